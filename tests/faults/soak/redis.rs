//! A Redis that keeps every write, as its assumption has it, and another one that takes its place at times
//! without losing one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Target;
use super::asking::{Able, Sharing};
use super::links::{self, Linked, Links};
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::poll;
use crate::support::redis::RedisServer;
use crate::support::server_process::OwnEnd;

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
    /// The master, and its replica.
    servers: [RedisServer; 2],
    links: Links,
}

/// How long is waited for the replica to have all.
const SYNCHRONIZED: Duration = Duration::from_secs(5);

const OPTIONS: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    // A replica is not kept waiting for others.
    "--repl-diskless-sync-delay",
    "0",
];

impl RedisBehind {
    pub(super) fn start() -> Self {
        let server = || RedisServer::with(&OPTIONS);
        let servers = [server(), server()];
        let links = Links::to(&[servers[0].address()]);
        let redis = Self { servers, links };
        redis.replicate();
        redis
    }

    /// Has the second be the first one's replica.
    fn replicate(&self) {
        let [master, replica] = &self.servers;
        let master = master.port().to_string();
        replica.cli(&["REPLICAOF", "127.0.0.1", &master]);
    }

    fn server(&mut self) -> &mut RedisServer {
        &mut self.servers[0]
    }

    /// Sets it until after this time.
    fn set_for(&mut self, time: Duration, name: &'static str, value: &str) -> Course<Self> {
        self.server().cli(&["CONFIG", "SET", name, value]);
        Course::over().then(time, move |_, redis: &mut Self| {
            redis.server().cli(&["CONFIG", "SET", name, "0"]);
        })
    }

    /// Starts the master again, and waits until it has read what it has kept.
    fn back(&mut self, options: &[&str], nemesis: &mut Nemesis) {
        self.server().restart_with(options);
        nemesis.until("a Redis that serves", self, |redis| {
            redis.servers[0].cli(&["PING"]) == "PONG"
        });
    }
}

impl Linked for RedisBehind {
    fn links(&self) -> &Links {
        &self.links
    }
}

impl Target for RedisBehind {
    fn genlock(&self, host: usize, verb: &str) -> Command {
        let endpoint = |servers: &str| format!("redis://{servers}");
        self.links.genlock(host, verb, endpoint)
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = links::faults();
        faults.extend([
            Fault::new("server killed", On::Store, kill),
            Fault::new("server killed and long in loading", On::Store, load),
            Fault::new("server wiped", On::Store, wipe),
            Fault::new("server frozen", On::Store, freeze),
            Fault::new("clients paused", On::Store, pause),
            Fault::new("clients killed", On::Store, |_, redis: &mut Self| {
                redis.server().cli(&["CLIENT", "KILL", "TYPE", "normal"]);
                Course::over()
            }),
            Fault::new("subscribers killed", On::Store, |_, redis: &mut Self| {
                redis.server().cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                Course::over()
            }),
            Fault::new("no memory", On::Store, |nemesis, redis: &mut Self| {
                redis.set_for(nemesis.time(100, 4000), "maxmemory", "1")
            }),
            Fault::new(
                "too few replicas",
                On::Store,
                |nemesis, redis: &mut Self| {
                    redis.set_for(nemesis.time(100, 4000), "min-replicas-to-write", "3")
                },
            ),
            Fault::new("log rewritten", On::Store, rewrite),
            Fault::new("lead given to the replica", On::Store, fail_over),
            Fault::new("waiter deleted", On::Store, delete_waiter),
            Fault::new("holder's key overwritten", On::Store, overwrite),
        ]);
        faults
    }

    fn revive(&mut self) -> Vec<(String, OwnEnd)> {
        let mut ends = Vec::new();
        for (server, name) in self.servers.iter_mut().zip(["master", "replica"]) {
            let end = server.revive();
            ends.extend(end.map(|end| (format!("Redis' {name}"), end)));
        }
        ends
    }

    /// One that was started again has to be told whose replica it is.
    fn is_whole(&mut self) -> bool {
        let [master, replica] = &self.servers;
        let is_replica = replica.cli(&["ROLE"]).starts_with("slave");
        if !is_replica {
            self.replicate();
        }
        is_replica && master.cli(&["PING"]) == "PONG"
    }

    fn keep(&mut self, directory: &Path) {
        for (server, name) in self.servers.iter().zip(["master", "replica"]) {
            let log = directory.join(format!("redis-{name}.log"));
            // As much as there is.
            let _ = fs::copy(server.file("log"), log);
        }
    }

    fn nothing_is_left(&self, _: &[String]) {
        poll("nothing to be left", || self.servers[0].left().is_empty());
    }
}

fn kill(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server().kill();
    Course::over().then(
        nemesis.time(100, 3000),
        |nemesis: &mut Nemesis, redis: &mut RedisBehind| {
            redis.back(&[], nemesis);
        },
    )
}

/// While it reads what it has kept it refuses whatever it is asked.
fn load(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let persistence = redis.server().cli(&["INFO", "persistence"]);
    let size = persistence.lines().find_map(|line| {
        let size = line.trim_end().strip_prefix("aof_current_size:")?;
        size.parse::<u64>().ok()
    });
    redis.server().kill();
    // A command is some 150 bytes.
    let commands = size.unwrap_or(0) / 150 + 1;
    let delay = nemesis.time(500, 4000).as_micros() as u64 / commands;
    Course::over().then(
        nemesis.time(1, 500),
        move |nemesis: &mut Nemesis, redis: &mut RedisBehind| {
            redis.back(&["--key-load-delay", &delay.to_string()], nemesis);
        },
    )
}

/// It is back without its data when nobody holds a lock any more: sooner would be a lock given twice.
fn wipe(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server().kill();
    let away = nemesis.longest_ttl() + nemesis.time(100, 1000);
    Course::over().then(away, |nemesis: &mut Nemesis, redis: &mut RedisBehind| {
        redis.server().wipe();
        redis.back(&[], nemesis);
    })
}

fn freeze(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server().freeze();
    Course::over().then(nemesis.time(100, 4000), |_, redis: &mut RedisBehind| {
        redis.server().thaw();
    })
}

/// All of them, or those that write.
fn pause(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let time = nemesis.time(100, 4000);
    let which = ["ALL", "WRITE"][nemesis.below(2)];
    let milliseconds = time.as_millis().to_string();
    redis
        .server()
        .cli(&["CLIENT", "PAUSE", &milliseconds, which]);
    Course::over().then(time, |_, _| {})
}

fn rewrite(_: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    redis.server().cli(&["BGREWRITEAOF"]);
    redis.server().cli(&["SCRIPT", "FLUSH"]);
    Course::over()
}

/// It takes over when it has all that was written, and nothing is written meanwhile: no lock is lost.
fn fail_over(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let [master, replica] = &redis.servers;
    let port = replica.port().to_string();
    let failover = ["FAILOVER", "TO", "127.0.0.1", &port, "TIMEOUT", "2000"];
    let start = Instant::now();
    // One that was away is not given it before it has all.
    while master.cli(&failover) != "OK" && start.elapsed() < SYNCHRONIZED {
        nemesis.pause(50, 100);
    }
    nemesis.until(
        "an end of the failover",
        redis,
        |redis: &mut RedisBehind| {
            redis
                .server()
                .cli(&["INFO", "replication"])
                .contains("master_failover_state:no-failover")
        },
    );
    let [_, replica] = &redis.servers;
    if replica.cli(&["ROLE"]).starts_with("master") {
        redis.servers.swap(0, 1);
        redis.links.lead_to(&redis.servers[0].address());
    }
    Course::over()
}

/// The last of a queue.
fn delete_waiter(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let queue = format!("{{{}}}:genlock:q", nemesis.any().key);
    redis.server().cli(&["ZPOPMAX", &queue]);
    Course::over()
}

/// It stands for a lock of another tool's until it is deleted, when the holder's command is gone.
fn overwrite(nemesis: &mut Nemesis, redis: &mut RedisBehind) -> Course<RedisBehind> {
    let key = nemesis.holder().key.clone();
    redis.server().cli(&["SET", &key, "somebody else"]);
    let gone = nemesis.longest_ttl() + nemesis.time(10, 1000);
    Course::over().then(gone, move |_, redis: &mut RedisBehind| {
        redis.server().cli(&["DEL", &key]);
    })
}
