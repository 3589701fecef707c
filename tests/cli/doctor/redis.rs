//! A Redis that has the locks.

use serde_json::Value;

use super::{doctor, examined, json, says};
use crate::genlock::poll;
use crate::support::redis::RedisServer;

#[test]
fn a_redis_that_keeps_its_data_is_as_it_should_be() {
    let server = RedisServer::with(&["--appendonly", "yes"]);
    let endpoint = server.endpoint();
    let run = examined(doctor(&endpoint, &["/locks/k"]), 0);
    says(&run, "ok", "endpoint", &[&endpoint, "redis ", "the master"]);
    says(&run, "ok", "auth", &["nobody has to log in"]);
    says(&run, "ok", "rights", &["/locks/k"]);
    says(&run, "ok", "store", &["nobody steps the server's clock"]);
    says(&run, "ok", "clock", &["locks end by its clock"]);
    assert!(!run.text().contains("\nwarn"), "{}", run.text());
    let found = json(doctor(&endpoint, &[]), 0);
    assert_eq!(found["store"], "redis");
    assert_eq!(found["endpoints"][0]["role"], "master");
    assert_eq!(found["endpoints"][0]["reached"], true);
    assert_eq!(found["rights"]["write"], true);
    assert_ne!(found["times"], Value::Null);
    assert_eq!(server.cli(&["--scan"]), "", "the doctor left something");
}

#[test]
fn what_can_make_it_forget_a_lock_is_said() {
    let server = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let run = examined(doctor(&server.endpoint(), &[]), 0);
    says(
        &run,
        "warn",
        "disk",
        &["a restart forgets every lock", "appendonly yes"],
    );
    says(&run, "warn", "memory", &["allkeys-lru", "noeviction"]);
    let port = server.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    poll("a replica", || {
        let about = server.cli(&["INFO", "replication"]);
        about.contains("connected_slaves:1")
    });
    let run = examined(doctor(&server.endpoint(), &[]), 0);
    says(
        &run,
        "warn",
        "replicas",
        &["a failover", "token", "min-replicas-to-write"],
    );
    let run = examined(doctor(&replica.endpoint(), &[]), 69);
    says(&run, "wrong", "endpoint", &["a replica", &server.address()]);
}

#[test]
fn what_the_user_may_not_do_is_said() {
    let server = RedisServer::with(&["--appendonly", "yes"]);
    let user = [
        "ACL",
        "SETUSER",
        "default",
        "resetkeys",
        "~/locks/*",
        "~{/locks/*",
        "-client|tracking",
    ];
    assert_eq!(server.cli(&user), "OK");
    let run = examined(doctor(&server.endpoint(), &["/locks/k"]), 0);
    says(
        &run,
        "warn",
        "rights",
        &["does not tell of keys", "CLIENT TRACKING"],
    );
    let run = examined(doctor(&server.endpoint(), &["/elsewhere"]), 77);
    says(&run, "wrong", "rights", &["/elsewhere", "docs/stores.md"]);
    let user = ["ACL", "SETUSER", "default", ">secret"];
    assert_eq!(server.cli(&user), "OK");
    let run = examined(doctor(&server.endpoint(), &["/locks/k"]), 77);
    says(&run, "wrong", "auth", &["it wants a user"]);
}
