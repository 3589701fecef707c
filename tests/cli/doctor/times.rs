//! Times that do not fit to each other, or to how far away the store is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::{doctor, examined, says};
use crate::support::etcd::Server;

/// A way to the server on which every request takes this long.
fn slowed(server: &Server, by: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let target = server.endpoint().replace("http://", "");
    let pass = |mut from: TcpStream, mut to: TcpStream, pause: Duration| {
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                std::thread::sleep(pause);
                if to.write_all(&buffer[..length]).is_err() {
                    return;
                }
            }
        })
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&target).expect("etcd");
            let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
            pass(copy(&client), copy(&server), by);
            pass(server, client, Duration::ZERO);
        }
    });
    address.to_string()
}

#[test]
fn times_that_do_not_fit() {
    let server = Server::start();
    let mut long = doctor(&server.endpoint(), &[]);
    long.env("GENLOCK_KILL_AFTER", "9s");
    let run = examined(long, 64);
    let texts = [
        "--kill-after 9s does not fit into --ttl 10s",
        "$GENLOCK_KILL_AFTER",
    ];
    says(&run, "wrong", "times", &texts);
    let run = examined(doctor(&server.endpoint(), &["--ttl", "1.5"]), 64);
    says(&run, "wrong", "rights", &["whole seconds"]);
    // A store that is too far away for a TTL that would do for a nearer one.
    let far = slowed(&server, Duration::from_millis(500));
    let run = examined(doctor(&far, &["--ttl", "1"]), 69);
    says(
        &run,
        "wrong",
        "times",
        &["longer than there is time for", "--ttl"],
    );
    let run = examined(doctor(&far, &["--ttl", "60"]), 0);
    says(&run, "ok", "times", &["a renewal takes up to"]);
    // One at which `run` renews while earlier renewals are under way.
    let far = slowed(&server, Duration::from_millis(300));
    let run = examined(doctor(&far, &["--ttl", "2"]), 0);
    says(&run, "warn", "times", &["much of the time"]);
}
