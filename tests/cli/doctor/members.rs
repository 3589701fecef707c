//! Endpoints, and what is behind them.

use std::time::Duration;

use super::{doctor, examined, json, says};
use crate::genlock::{Store, genlock};
use crate::support::etcd::{Server, Setup, free_port};

#[test]
fn an_endpoint_where_nobody_is_comes_with_where_it_was_set() {
    let server = Server::start();
    let (endpoint, nobody) = (server.endpoint(), format!("127.0.0.1:{}", free_port()));
    let run = examined(doctor(&nobody, &[]), 69);
    let texts = [&*nobody, "connection refused", "correct --endpoints"];
    says(&run, "wrong", "endpoint", &texts);
    // Of several it is found too, and the rest is looked at nevertheless.
    let store = Store::files();
    let config = store.path("config.toml");
    let text = format!("\nendpoints = [\"{nobody}\", \"{endpoint}\"]\n");
    std::fs::write(&config, text).expect("a file");
    let mut both = genlock();
    both.arg("doctor").arg("--config").arg(&config);
    // The other one keeps the locks.
    let run = examined(both, 0);
    assert!(run.text().contains("; look at 1 warning\n"), "{run:?}");
    let place = format!("--endpoints ({}:2)", config.display());
    says(&run, "warn", "endpoint", &[&nobody, &place]);
    says(&run, "ok", "endpoint", &[&endpoint]);
    says(&run, "ok", "rights", &["write"]);
}

#[test]
fn an_endpoint_that_hangs_does_not_hold_it_up() {
    let server = Server::start();
    server.freeze();
    let run = examined(doctor(&server.endpoint(), &["--dial-timeout", "300ms"]), 69);
    says(&run, "wrong", "endpoint", &["no answer within 300ms"]);
    assert!(run.took < Duration::from_secs(5), "{:?}", run.took);
    server.thaw();
}

#[test]
fn members_of_two_clusters_do_not_exclude_each_other() {
    let servers = [Server::start(), Server::start()].map(|server| (server.endpoint(), server));
    let both = format!("{},{}", servers[0].0, servers[1].0);
    let run = examined(doctor(&both, &[]), 78);
    let texts = ["two clusters", &*servers[0].0, &*servers[1].0];
    says(&run, "wrong", "endpoint", &texts);
    let cluster = Server::cluster();
    let all: Vec<_> = cluster.iter().map(Server::endpoint).collect();
    let found = json(doctor(&all.join(","), &[]), 0);
    let members = found["endpoints"].as_array().expect("an array");
    let roles: Vec<_> = members
        .iter()
        .map(|member| member["role"].as_str())
        .collect();
    let leaders = roles.iter().filter(|role| **role == Some("leader")).count();
    assert_eq!((roles.len(), leaders), (3, 1), "{roles:?}");
}

#[test]
fn a_member_without_a_majority() {
    let mut cluster = Server::cluster();
    let endpoint = cluster[0].endpoint();
    for other in &mut cluster[1..] {
        other.kill();
    }
    // Before it has noticed, or after.
    let run = examined(doctor(&endpoint, &["--dial-timeout", "1s"]), 69);
    says(
        &run,
        "wrong",
        "endpoint",
        &[&endpoint, "majority of its members"],
    );
}

#[test]
fn an_etcd_without_space() {
    let server = Server::with(Setup {
        quota: 64 * 1024,
        ..Setup::default()
    });
    let large = "x".repeat(64 * 1024);
    for _ in 0..3 {
        // The last of them is refused, and the alarm raised.
        let _ = server.ctl_command(&["put", "/filled", &large]).output();
    }
    let run = examined(doctor(&server.endpoint(), &[]), 69);
    let full = ["its database is full (NOSPACE)", "alarm disarm"];
    says(&run, "warn", "endpoint", &full);
    let texts = ["no lease is granted", "space", "alarm disarm"];
    says(&run, "wrong", "rights", &texts);
}
