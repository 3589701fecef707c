//! A slow network: a TCP proxy that passes everything on after half a round trip, and to which it takes a
//! round trip to connect.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// What came in, and when it is to be passed on; no bytes mean the end of the stream.
type Chunk = (Instant, Vec<u8>);

/// Starts a proxy before the server at `target`; gives its HOST:PORT. It runs until this process ends.
pub(crate) fn before(target: &str, round_trip: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let target = target.to_owned();
    spawn(move || {
        for client in listener.incoming().flatten() {
            let target = target.clone();
            spawn(move || carry(client, &target, round_trip));
        }
    });
    address
}

fn carry(client: TcpStream, target: &str, round_trip: Duration) {
    // connect(2) over loopback takes no time, so the client's first bytes come a round trip too
    // early: they are passed on as if it had begun after that.
    let connected = Instant::now() + round_trip;
    let Ok(server) = TcpStream::connect(target) else {
        return;
    };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a socket");
    }
    let twin = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
    for (from, to) in [(twin(&client), twin(&server)), (server, client)] {
        let (sender, receiver) = channel();
        let half = round_trip / 2;
        spawn(move || take(from, connected, half, &sender));
        spawn(move || give(to, &receiver));
    }
}

fn take(mut from: TcpStream, connected: Instant, half: Duration, sender: &Sender<Chunk>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let due = Instant::now().max(connected) + half;
        if sender.send((due, buffer[..length].to_vec())).is_err() || length == 0 {
            return;
        }
    }
}

fn give(mut to: TcpStream, receiver: &Receiver<Chunk>) {
    for (due, chunk) in receiver {
        sleep(due.saturating_duration_since(Instant::now()));
        if chunk.is_empty() || to.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
