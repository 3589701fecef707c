//! What a server of Redis' kind may answer, at random.

use std::collections::HashSet;
use std::io::Cursor;

use super::connection::RedisClient;
use super::fault::judge;
use super::incoming::Incoming;
use super::names::LockNames;
use super::protocol::PROTOCOL;
use super::pushes::Pushes;
use super::reply::{RedisCommand, Reply};
use super::request_error::{Moved, RequestError};
use super::seen::{LockSeen, WaiterSeen};
use super::sentinel::endpoint_of;
use super::slot::KeySlot;
use super::{Redis, scripts};
use crate::clock::Instant;
use crate::error::Error;
use crate::locker::net::endpoint::Endpoint;
use crate::locker::net::liveness::Liveness;
use crate::locker::{Config, Options};

/// The first byte says in pieces of which length the rest comes.
pub(crate) fn answers(data: &[u8]) {
    let Some((&length, bytes)) = data.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(whole, read(bytes, usize::from(length).max(1)));
    for reply in &whole.0 {
        assert_eq!(read(&written(reply), 7), (vec![reply.clone()], true));
        understand(reply);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(speak(bytes));
    runtime.block_on(async { learn(&whole.0) });
}

/// The answers, and whether all made sense.
fn read(bytes: &[u8], length: usize) -> (Vec<Reply>, bool) {
    let mut incoming = Incoming::default();
    let mut found = Vec::new();
    for piece in bytes.chunks(length) {
        incoming.take(piece);
        loop {
            match incoming.next() {
                Ok(Some(reply)) => found.push(reply),
                Ok(None) => break,
                Err(_) => return (found, false),
            }
        }
    }
    (found, true)
}

/// As a server writes it.
fn written(reply: &Reply) -> Vec<u8> {
    let text = |kind, text: &[u8]| {
        [
            format!("{kind}{}\r\n", text.len()).as_bytes(),
            text,
            b"\r\n",
        ]
        .concat()
    };
    let list = |kind, list: &[Reply]| {
        let parts = list.iter().flat_map(written);
        format!("{kind}{}\r\n", list.len())
            .bytes()
            .chain(parts)
            .collect()
    };
    match reply {
        Reply::Null => b"_\r\n".to_vec(),
        Reply::Number(number) => format!(":{number}\r\n").into_bytes(),
        Reply::Text(bytes) => text('$', bytes),
        Reply::Error(words) => text('!', words.as_bytes()),
        Reply::List(replies) => list('*', replies),
        Reply::Push(replies) => list('>', replies),
    }
}

/// Everything that an answer may be.
fn understand(reply: &Reply) {
    let names = LockNames::of("/k");
    if let Ok(seen) = LockSeen::of(names.clone(), reply, Instant::now()) {
        let queue = seen.queue();
        assert_eq!(queue.contenders, seen.contenders());
        assert_eq!(
            queue.holders().len() + queue.waiters().len(),
            queue.contenders.len()
        );
        let _ = (seen.is_free(), seen.next_end(), seen.holder_ends());
        let _ = seen.ends_of("{/k}:genlock:x");
    }
    let _ = scripts::standing(reply);
    if let Some(waiter) = WaiterSeen::read(reply, 0) {
        let _ = waiter.contender(&names);
    }
    if let Reply::Error(text) = reply {
        if let Some(moved) = Moved::read(text) {
            let _ = Endpoint::parse(
                &endpoint_of("redis://", &moved.host, moved.port),
                false,
                &PROTOCOL,
            );
        }
        for error in [
            RequestError::Answered(text.clone()),
            RequestError::Replica(text.clone()),
        ] {
            let error = Error::from(judge(error)).to_string();
            assert!(error.chars().count() < 600, "{error}");
        }
    }
    for part in reply.list() {
        let (name, _) = (part.words(), KeySlot::of(&part.words()));
        if let Some((names, id)) = LockNames::parse(&name) {
            assert_eq!(names.of_one(id), name);
        }
    }
    let pushes = Pushes::default();
    let listener = pushes.listen_to_all();
    pushes.pass_on(reply.list());
    let _ = (listener.holds(0), listener.take_keys());
}

/// A connection over which a server says this, and hangs up.
async fn speak(bytes: &[u8]) {
    let stream = tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink());
    let greeting = ["HELLO", "CLIENT", "ROLE"].map(|word| RedisCommand::new([word]));
    let client = RedisClient::start(stream, &greeting, Pushes::default(), Liveness::default());
    let asked = [RedisCommand::new(["PING"])];
    let _ = client.ask(&asked).await;
    let _ = client.is_clustered();
}

/// What servers of a Cluster say of each other.
fn learn(replies: &[Reply]) {
    let redis = Redis::new(Config::new(["redis://h"]), Options::default()).expect("a client");
    if let Ok(masters) = redis.shared.store.masters_of(replies) {
        let all: HashSet<_> = masters.iter().map(std::sync::Arc::as_ptr).collect();
        assert_eq!(all.len(), masters.len());
    }
}
