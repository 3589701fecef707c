//! A Redis that keeps every write, as its assumption has it.

use std::process::Command;
use std::thread::sleep;

use super::Target;
use super::links::{self, Linked, Links};
use super::nemesis::{Fault, Nemesis};
use super::worker::TTL;
use crate::genlock::poll;
use crate::support::redis::RedisServer;

pub(super) struct RedisBehind {
    server: RedisServer,
    links: Links,
}

impl RedisBehind {
    pub(super) fn start() -> Self {
        let server = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
        let links = Links::to(&server.endpoint());
        Self { server, links }
    }

    fn back(&mut self) {
        self.server.restart();
        assert!(self.server.serves());
    }
}

impl Linked for RedisBehind {
    fn links(&self) -> &Links {
        &self.links
    }
}

impl Target for RedisBehind {
    fn genlock_run(&self, host: usize) -> Command {
        let endpoint = |port| format!("redis://127.0.0.1:{port}");
        self.links.genlock_run(host, endpoint)
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults().to_vec();
        faults.extend::<[Fault<Self>; 6]>([
            ("server killed", kill),
            ("server wiped", wipe),
            ("server frozen", freeze),
            ("clients killed", |_, redis| {
                redis.server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
            }),
            ("subscribers killed", |_, redis| {
                redis.server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            }),
            ("waiter deleted", delete_waiter),
        ]);
        faults
    }

    fn nothing_is_left(&self, _: &[String]) {
        poll("nothing to be left", || self.server.left().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, redis: &mut RedisBehind) {
    redis.server.kill();
    nemesis.pause(100, 3000);
    redis.back();
}

/// It is back without its data when nobody holds a lock any more: sooner would be a lock given twice.
fn wipe(nemesis: &mut Nemesis, redis: &mut RedisBehind) {
    redis.server.kill();
    sleep(TTL);
    nemesis.pause(100, 1000);
    redis.server.wipe();
    redis.back();
}

fn freeze(nemesis: &mut Nemesis, redis: &mut RedisBehind) {
    redis.server.freeze();
    nemesis.pause(100, 4000);
    redis.server.thaw();
}

/// The last of a queue.
fn delete_waiter(nemesis: &mut Nemesis, redis: &mut RedisBehind) {
    let queue = format!("{{/locks/{}}}:genlock:q", nemesis.below(3));
    redis.server.cli(&["ZPOPMAX", &queue]);
}
