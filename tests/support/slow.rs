//! A way to etcd that takes its time: an HTTP/2 proxy that holds each message back for so long, apart
//! for pings (keep-alives of leases) and for all other requests.

use std::collections::VecDeque;
use std::io::Cursor;
use std::net::TcpListener as Listener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2::{RecvStream, SendStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep_until};

/// How long requests are held back.
#[derive(Clone, Copy, Default)]
pub(crate) struct Delay {
    pub(crate) pings: Duration,
    pub(crate) others: Duration,
}

/// Ends when dropped.
pub(crate) struct Slow {
    port: u16,
    delay: Arc<Mutex<Delay>>,
    runtime: Option<Runtime>,
}

impl Slow {
    /// Before the server at this `http://` endpoint; nothing is held back yet.
    pub(crate) fn before(endpoint: &str) -> Self {
        let target = endpoint.strip_prefix("http://").expect("http://");
        let listener = Listener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let delay = Arc::new(Mutex::new(Delay::default()));
        runtime.spawn(accept(listener, target.to_owned(), delay.clone()));
        Self {
            port,
            delay,
            runtime: Some(runtime),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What comes from now on is held back for so long.
    pub(crate) fn hold_back(&self, delay: Delay) {
        *self.delay.lock().expect("a lock") = delay;
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: Listener, target: String, delay: Arc<Mutex<Delay>>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&target).await else {
            continue;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("a socket");
        }
        tokio::spawn(connect(client, server, delay.clone()));
    }
}

/// Passes the requests of one connection, until either side breaks it.
async fn connect(client: TcpStream, server: TcpStream, delay: Arc<Mutex<Delay>>) -> Option<()> {
    let from = h2::server::Builder::new().handshake::<_, Data>(client);
    let to = h2::client::Builder::new().handshake::<_, Data>(server);
    let (mut from, (to, connection)) = (from.await.ok()?, to.await.ok()?);
    tokio::spawn(connection);
    while let Some(Ok((request, mut respond))) = from.accept().await {
        let (to, delay) = (to.clone(), delay.clone());
        tokio::spawn(async move {
            let pings = request.uri().path().ends_with("/LeaseKeepAlive");
            let held = move || {
                let delay = delay.lock().expect("a lock");
                if pings { delay.pings } else { delay.others }
            };
            let mut body = None;
            let request = request.map(|found| body = Some(found));
            let (answer, send) = to.ready().await.ok()?.send_request(request, false).ok()?;
            tokio::spawn(pass(body?, send, held));
            let mut body = None;
            let answer = answer.await.ok()?.map(|found| body = Some(found));
            let send = respond.send_response(answer, false).ok()?;
            pass(body?, send, || Duration::ZERO).await
        });
    }
    Some(())
}

/// What is sent on.
type Data = Cursor<Vec<u8>>;

/// Passes what flows one way, in its order, each part held back for as long as is said when it comes.
async fn pass(
    mut from: RecvStream,
    mut to: SendStream<Data>,
    held: impl Fn() -> Duration,
) -> Option<()> {
    let mut parts = VecDeque::new();
    let mut over = false;
    while !over || !parts.is_empty() {
        let due = parts.front().map(|(due, _)| *due);
        tokio::select! {
            data = from.data(), if !over => match data {
                Some(data) => {
                    let data = data.ok()?;
                    from.flow_control().release_capacity(data.len()).ok()?;
                    parts.push_back((Instant::now() + held(), data.to_vec()));
                }
                None => over = true,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let (_, part) = parts.pop_front()?;
                to.send_data(Cursor::new(part), false).ok()?;
            }
        }
    }
    match from.trailers().await.ok()? {
        Some(trailers) => to.send_trailers(trailers).ok(),
        None => to.send_data(Cursor::new(Vec::new()), true).ok(),
    }
}
