//! A Redis that has the locks.

use serde_json::Value;

use super::{doctor, examined, json, says};
use crate::genlock::{Store, output, poll};
use crate::support::redis::{RedisServer, documented_rights};

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

/// All that is documented is tried: each is missed, by its name, and nothing is changed by that.
#[test]
fn each_right_that_is_missing_is_named() {
    let server = RedisServer::with(&["--appendonly", "yes"]);
    let rights = documented_rights();
    let rights: Vec<_> = rights.iter().map(String::as_str).collect();
    let user = [&["ACL", "SETUSER", "app", "on", ">secret"], &rights[..]].concat();
    assert_eq!(server.cli(&user), "OK");
    let as_app = || {
        let mut doctor = doctor(&server.endpoint(), &["/locks/k", "--user", "app"]);
        doctor.env("GENLOCK_PASSWORD", "secret");
        doctor
    };
    says(&examined(as_app(), 0), "ok", "rights", &["/locks/k"]);
    assert_eq!(
        server.cli(&["SET", "/locks/k", "mine", "PX", "600000"]),
        "OK"
    );
    // Without these nobody gets as far, or they are another line.
    let others = [
        "hello",
        "auth",
        "role",
        "ping",
        "client|setname",
        "client|tracking",
    ];
    let commands = rights.iter().filter_map(|right| right.strip_prefix('+'));
    for command in commands.filter(|command| !others.contains(command)) {
        assert_eq!(
            server.cli(&["ACL", "SETUSER", "app", &format!("-{command}")]),
            "OK"
        );
        says(&examined(as_app(), 77), "wrong", "rights", &[command]);
        assert_eq!(
            server.cli(&["ACL", "SETUSER", "app", &format!("+{command}")]),
            "OK"
        );
    }
    assert_eq!(server.cli(&["GET", "/locks/k"]), "mine");
    assert_eq!(
        server.cli(&["--scan"]),
        "/locks/k",
        "the doctor left something"
    );
}

/// It tries whether it may delete, and the record of who is gone (`--min-hold`) stays.
#[test]
fn a_lock_whose_holder_is_gone_is_left_as_it_is() {
    let server = RedisServer::with(&["--appendonly", "yes"]);
    let store = Store::at(server.endpoint());
    output(store.run(&["--min-hold", "10m"], &["true"])).silent(0);
    let records = format!("{{{}}}:genlock:r", store.key);
    let kept = server.cli(&["HGETALL", &records]);
    assert!(kept.contains("min_hold_ends_at"), "{kept}");
    examined(doctor(&server.endpoint(), &[&store.key]), 0);
    assert_eq!(server.cli(&["HGETALL", &records]), kept);
}

/// A password alone is that of the user whom Redis knows without a name (`requirepass`).
#[test]
fn a_password_without_a_user_is_the_default_users() {
    let server = RedisServer::with(&["--appendonly", "yes", "--requirepass", "secret"]);
    let with = |password: &str| {
        let mut doctor = doctor(&server.endpoint(), &["/locks/k"]);
        doctor.env("GENLOCK_PASSWORD", password);
        doctor
    };
    says(
        &examined(with("secret"), 0),
        "ok",
        "auth",
        &["logged in as \"default\""],
    );
    says(
        &examined(with("wrong"), 77),
        "wrong",
        "auth",
        &["another password"],
    );
    let run = examined(doctor(&server.endpoint(), &[]), 77);
    says(&run, "wrong", "auth", &["it wants a user"]);
    let store = Store::at(server.endpoint());
    let mut run = store.run(&[], &["true"]);
    run.env("GENLOCK_PASSWORD", "secret");
    output(run).silent(0);
}
