//! A network that can be held up: a TCP proxy before a server, which passes what it is sent, holds
//! it in either direction until it is let go, or breaks everything.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::Duration;

use crate::sections::now;

/// What flows through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server.
    Requests,
    /// From the server.
    Answers,
}

/// Broken when dropped.
pub(crate) struct Proxy {
    scheme: String,
    port: u16,
    /// What stands behind the address in the endpoint.
    path: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    change: Condvar,
}

#[derive(Default)]
struct State {
    /// Where new connections lead.
    target: String,
    held: Vec<Way>,
    /// What flows this way takes so long at least, and twice as long at most.
    late: Vec<(Way, Duration)>,
    /// The same, but for what comes first on each connection.
    slow: Vec<Way>,
    /// Connections are closed, and new ones at once.
    cut: bool,
    over: bool,
    /// Those that something still comes from.
    open: Vec<Weak<TcpStream>>,
    /// When something came that is for the server.
    requests: Vec<Duration>,
    /// How many answers were passed on.
    answers: u64,
}

impl Proxy {
    /// Before the server at this endpoint, `http://HOST:PORT` say.
    pub(crate) fn before(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (scheme, rest) = endpoint.split_once("://").expect("a scheme");
        let (target, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                target: target.to_owned(),
                ..State::default()
            }),
            change: Condvar::new(),
        });
        let accepting = shared.clone();
        thread::spawn(move || accepting.accept(&listener));
        let (scheme, path) = (scheme.to_owned(), path.to_owned());
        Self {
            scheme,
            port,
            path,
            shared,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}{}", self.scheme, self.port, self.path)
    }

    /// Holds up what flows this way.
    pub(crate) fn hold(&self, way: Way) {
        self.shared.set(|state| state.held.push(way));
    }

    /// Holds up what flows this way, but for what comes first on each connection.
    pub(crate) fn slow(&self, way: Way) {
        self.shared.set(|state| state.slow.push(way));
    }

    /// Has what flows this way take so long at least, and twice as long at most.
    pub(crate) fn delay(&self, way: Way, time: Duration) {
        self.shared.set(|state| state.late.push((way, time)));
    }

    /// Lets it go on, with all that was held up.
    pub(crate) fn release(&self, way: Way) {
        self.shared.set(|state| {
            state.held.retain(|&held| held != way);
            state.late.retain(|&(late, _)| late != way);
            state.slow.retain(|&slow| slow != way);
        });
    }

    /// Closes every connection, and every new one at once.
    pub(crate) fn cut(&self) {
        self.shared.set(|state| {
            state.cut = true;
            state.close_all();
        });
    }

    /// Serves new connections again after [`Proxy::cut`].
    pub(crate) fn mend(&self) {
        self.shared.set(|state| state.cut = false);
    }

    /// Closes every connection, with what was held up on it. New ones are served.
    pub(crate) fn break_off(&self) {
        self.shared.set(State::close_all);
    }

    /// Breaks every connection with a reset (RST), with what was held up on it. New ones are served.
    pub(crate) fn reset(&self) {
        self.shared.set(State::reset_all);
    }

    /// Has new connections lead to this HOST:PORT.
    pub(crate) fn lead_to(&self, target: &str) {
        self.shared
            .set(|state| target.clone_into(&mut state.target));
    }

    /// Where it listens, at this host.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// When something for the server came first after `from`.
    pub(crate) fn request_after(&self, from: Duration) -> Option<Duration> {
        let state = self.shared.state();
        state.requests.iter().copied().find(|&at| at > from)
    }

    /// How many answers were passed on, and read by those who asked; 0 while they have something to read
    /// (`rx_queue` in /proc/net/tcp, proc(5)).
    pub(crate) fn answers_read(&self) -> u64 {
        let answers = self.shared.state().answers;
        let here = format!("0100007F:{:04X}", self.port);
        let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the sockets");
        let has_unread = |line: &str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields.get(2) == Some(&&*here) && !fields[4].ends_with(":00000000")
        };
        match sockets.lines().any(has_unread) {
            true => 0,
            false => answers,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.shared.set(|state| state.over = true);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn holds(&self, way: Way, first: bool) -> bool {
        self.held.contains(&way) || !first && self.slow.contains(&way)
    }

    fn delay(&self, way: Way) -> Duration {
        let late = self.late.iter().filter(|&&(late, _)| late == way);
        late.map(|&(_, time)| time).max().unwrap_or_default()
    }

    /// A connection that is made to lead nowhere is reset (connect(2)).
    fn reset_all(&mut self) {
        for stream in self.open.drain(..).filter_map(|open| open.upgrade()) {
            let _ = rustix::net::connect_unspec(&*stream);
        }
    }

    fn close_all(&mut self) {
        for stream in self.open.drain(..).filter_map(|open| open.upgrade()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a lock")
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.change.notify_all();
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            if self.state().over {
                return;
            }
            let target = self.state().target.clone();
            let Ok(server) = TcpStream::connect(target) else {
                continue;
            };
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("a socket");
            }
            let (client, server) = (Arc::new(client), Arc::new(server));
            let mut state = self.state();
            state.open.retain(|stream| stream.strong_count() > 0);
            let both = [&client, &server].map(Arc::downgrade);
            state.open.extend(both);
            let ways = [
                (client.clone(), server.clone(), Way::Requests),
                (server, client, Way::Answers),
            ];
            if state.cut {
                state.close_all();
                continue;
            }
            drop(state);
            for (from, to, way) in ways {
                let shared = self.clone();
                thread::spawn(move || shared.pass(from, to, way));
            }
        }
    }

    fn pass(&self, from: Arc<TcpStream>, to: Arc<TcpStream>, way: Way) {
        let mut buffer = vec![0; 64 * 1024];
        for part in 0u64.. {
            let length = (&*from).read(&mut buffer).unwrap_or(0);
            let mut state = self.state();
            if length > 0 && way == Way::Requests {
                state.requests.push(now());
            }
            while state.holds(way, part == 0) && !state.cut {
                state = self.change.wait(state).expect("a lock");
            }
            let delay = state.delay(way);
            drop(state);
            thread::sleep(delay);
            if length == 0 || (&*to).write_all(&buffer[..length]).is_err() {
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
            if way == Way::Answers {
                self.state().answers += 1;
            }
        }
    }
}
