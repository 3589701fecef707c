//! What is at an endpoint and is no etcd, or is spoken to in the wrong way: each has its words.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use genlock::{ErrorKind, Etcd, EtcdConfig, Event, EventKind, Locker, Options, Tls};

use super::secure::TLS;
use crate::support::etcd::Server;
use genlock::testing::contract::soon;

/// The end of the line that says why there is no lock.
async fn why(endpoint: &str) -> String {
    let config = EtcdConfig::new([endpoint])
        .tls(Tls::new().insecure_skip_verify())
        .dial_timeout(Duration::from_millis(500));
    let client = Etcd::new(config, Options::default()).expect("a client");
    let error = soon("an answer", client.lock("/k")).await;
    let error = error.expect_err("no etcd there");
    let kind = error.kind();
    let text = error.to_string();
    assert!(
        matches!(kind, ErrorKind::Unavailable | ErrorKind::InvalidConfig),
        "{kind:?}: {text}"
    );
    let (_, why) = text
        .split_once(&format!("{endpoint}: "))
        .expect("the endpoint");
    why.to_owned()
}

/// Says this to whoever connects, after he has said something, and hangs up.
fn says(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // Whoever connects may be gone by now.
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(words);
                // To close it with something unread resets it (RFC 2525, 2.17).
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
    address.to_string()
}

#[tokio::test]
async fn the_wrong_scheme() {
    let secure = Server::with(TLS);
    let endpoint = secure.endpoint().replace("https://", "http://");
    let said = why(&endpoint).await;
    assert!(said.contains("(https:// instead of http://?)"), "{said}");
    let plain = Server::start();
    let endpoint = plain.endpoint().replace("http://", "https://");
    let said = why(&endpoint).await;
    assert!(said.contains("http:// instead of https://"), "{said}");
}

#[tokio::test]
async fn servers_of_something_else() {
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let garbage = b"\0\0\0\x04\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    for (words, over_http, over_tls) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..],
            "it speaks HTTP/1, by which etcd is not spoken to: is it etcd's client port?",
            "it does not speak TLS (http:// instead of https://?)",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            "it does not speak HTTP/2: is it etcd?",
            "it does not speak TLS (http:// instead of https://?)",
        ),
        (
            b"",
            "it hung up without a word (https:// instead of http://?)",
            "it hung up on TLS (http:// instead of https://?)",
        ),
        (
            settings,
            "it hung up",
            "it does not speak TLS (http:// instead of https://?)",
        ),
        (
            garbage,
            "it does not speak HTTP/2 as it should: is it etcd?",
            "it does not speak TLS (http:// instead of https://?)",
        ),
    ] {
        let address = says(words);
        assert_eq!(why(&format!("http://{address}")).await, over_http);
        assert_eq!(why(&format!("https://{address}")).await, over_tls);
    }
}

/// Answers requests by HTTP/2 with this field of its static table (RFC 7541, A), until it ends.
fn answer(mut stream: TcpStream, field: u8) -> std::io::Result<()> {
    stream.write_all(b"\0\0\0\x04\0\0\0\0\0")?;
    stream.read_exact(&mut [0; "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize])?;
        match head[3..5] {
            // SETTINGS, which are to be acknowledged.
            [4, 0] => stream.write_all(b"\0\0\0\x04\x01\0\0\0\0")?,
            // HEADERS; those of the answer are all of it.
            [1, _] => {
                stream.write_all(&[0, 0, 1, 1, 5])?;
                stream.write_all(&head[5..])?;
                stream.write_all(&[0x80 | field])?;
            }
            _ => {}
        }
    }
}

/// Such as an ingress that has no route to etcd.
fn answers(field: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, field));
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_server_of_http_says_nothing_for_etcd() {
    // 404, as which a request that etcd does not know is known too.
    let stranger = answers(13);
    assert_eq!(
        why(&stranger).await,
        "it answers HTTP, but not as etcd does: is it etcd's client port?"
    );
    let server = Server::start();
    // Either is asked first by half of all.
    for number in 0..10 {
        let config = EtcdConfig::new([stranger.clone(), server.endpoint()]);
        let client = Etcd::new(config, Options::default()).expect("a client");
        let held = soon("a lock", client.lock(&format!("/k{number}"))).await;
        let held = held.expect("etcd's answer");
        client.unlock(held).await.expect("a release");
    }
}

#[tokio::test]
async fn what_lies_beneath_is_for_who_looks() {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let observer = move |event: &Event| {
        if let EventKind::Beneath(text) = &event.what {
            let _ = tell.lock().expect("a lock").send(text.clone());
        }
    };
    let options = Options::default().with_observer(observer);
    let config = EtcdConfig::new([format!("https://{}", says(b"\x16\x03\x03\xff\xffhello"))])
        .tls(Tls::new().insecure_skip_verify())
        .dial_timeout(Duration::from_millis(500));
    let client = Etcd::new(config, options).expect("a client");
    let error = soon("an answer", client.lock("/k")).await;
    let error = error.expect_err("no etcd there").to_string();
    let beneath = told.try_recv().expect("a word");
    assert!(beneath.contains("corrupt message"), "{beneath}");
    assert!(!error.contains("corrupt message"), "{error}");
}
