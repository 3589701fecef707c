use std::time::Duration;

use tokio::io::{BufStream, duplex};
use tokio::time::timeout;

use super::*;

/// As TLS does, the stream takes what is written, and its flush waits; answers come meanwhile.
#[tokio::test]
async fn what_waits_to_be_flushed_is_not_sent_again_when_an_answer_comes() {
    let (own, mut server) = duplex(16);
    let stream = BufStream::new(own);
    let ping = [RedisCommand::new(["PING"])];
    let client = RedisClient::start(stream, &ping, Pushes::default(), Liveness::default());
    let asked = [RedisCommand::new(["ECHO".to_owned(), "x".repeat(100)])];
    let expected = [written(&ping), written(&asked)].concat();
    let exchange = async {
        let mut heard = Vec::new();
        for _ in 0..expected.len() {
            server.write_all(b">1\r\n+a\r\n").await.expect("a push");
            heard.push(server.read_u8().await.expect("a byte"));
        }
        server
            .write_all(b"+PONG\r\n+done\r\n")
            .await
            .expect("answers");
        heard
    };
    let both = async { tokio::join!(client.ask(&asked), exchange) };
    let (answers, heard) = timeout(Duration::from_secs(20), both)
        .await
        .expect("an end");
    assert_eq!(answers.expect("an answer"), [Reply::Text(b"done".to_vec())]);
    assert_eq!(heard, expected);
    drop(client);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.expect("an end");
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
}
