//! A Redis that keeps every write, as its assumption has it.

use std::process::Command;

use super::Target;
use super::asking::{Able, Sharing};
use super::links::{self, Linked, Links};
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::poll;
use crate::support::redis::RedisServer;

/// What its locks can do.
pub(super) const ABLE: Able = Able {
    sharing: &Sharing::ALL,
    several: false,
    latest: true,
    in_order: true,
    lasts: |ttl| ttl,
    counts_anew: false,
};

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

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults();
        faults.extend([
            Fault::new("server killed", On::Store, kill),
            Fault::new("server wiped", On::Store, wipe),
            Fault::new("server frozen", On::Store, freeze),
            Fault::new("clients killed", On::Store, |_, redis: &mut Self| {
                redis.server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
                Course::over()
            }),
            Fault::new("subscribers killed", On::Store, |_, redis: &mut Self| {
                redis.server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                Course::over()
            }),
            Fault::new("waiter deleted", On::Store, delete_waiter),
        ]);
        faults
    }

    fn nothing_is_left(&self, _: &[String]) {
        poll("nothing to be left", || self.server.left().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server.kill();
    Course::over().then(nemesis.time(100, 3000), |_, redis: &mut RedisBehind| {
        redis.back();
    })
}

/// It is back without its data when nobody holds a lock any more: sooner would be a lock given twice.
fn wipe(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server.kill();
    let away = nemesis.longest_ttl() + nemesis.time(100, 1000);
    Course::over().then(away, |_, redis: &mut RedisBehind| {
        redis.server.wipe();
        redis.back();
    })
}

fn freeze(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server.freeze();
    Course::over().then(nemesis.time(100, 4000), |_, redis: &mut RedisBehind| {
        redis.server.thaw();
    })
}

/// The last of a queue.
fn delete_waiter(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let queue = format!("{{/locks/{}}}:genlock:q", nemesis.below(3));
    redis.server.cli(&["ZPOPMAX", &queue]);
    Course::over()
}
