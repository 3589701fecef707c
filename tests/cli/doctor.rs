//! `genlock doctor`: what it finds, what it says of it, and that it leaves nothing.

mod secure;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::genlock::{Finished, Store, genlock, output};
use crate::support::etcd::{Server, Setup, free_port};

fn doctor(endpoints: &str, options: &[&str]) -> Command {
    let mut doctor = genlock();
    doctor.args(["doctor", "--endpoints", endpoints]);
    doctor.args(options);
    doctor
}

/// Demands this status, and that the verdict comes first and every line has its form.
#[track_caller]
fn examined(command: Command, status: i32) -> Finished {
    let run = output(command);
    assert_eq!(run.status.code(), Some(status), "{}{run:?}", run.text());
    assert_eq!(run.stderr, "");
    let (verdict, rest) = run.text().split_once('\n').expect("lines");
    let expected = if status == 0 {
        "locks work in "
    } else {
        "locks do not work: "
    };
    assert!(verdict.starts_with(expected), "{verdict}");
    for line in rest.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let known = ["set", "ok", "warn", "wrong"].contains(&words[0]);
        assert!(known && words.len() > 2, "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        // Whatever is not as it should be comes with what mends it.
        assert!(!line.contains("Error"), "{line:?}");
    }
    let wrong = run.text().lines().any(|line| line.starts_with("wrong "));
    assert_eq!(wrong, status != 0, "{}", run.text());
    run
}

/// Demands a line of this state and topic that has all of these in it.
#[track_caller]
fn says(run: &Finished, state: &str, topic: &str, texts: &[&str]) {
    let found = run.text().lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(state)
            && words.next() == Some(topic)
            && texts.iter().all(|text| line.contains(text))
    });
    assert!(found, "{state} {topic} {texts:?}:\n{}", run.text());
}

/// The same as JSON.
#[track_caller]
fn json(mut command: Command, status: i32) -> Value {
    command.arg("--json");
    let run = output(command);
    assert_eq!(run.status.code(), Some(status), "{}", run.text());
    let json: Value = serde_json::from_str(run.text()).expect("JSON");
    assert_eq!(json["status"], status);
    assert_eq!(json["ok"], status == 0);
    json
}

/// The revision that the next write would be the first after.
fn revision(server: &Server) -> String {
    let status = server.ctl(&["endpoint", "status", "--write-out=json"]);
    let (_, rest) = status.split_once("\"revision\":").expect("a revision");
    rest.split(',').next().expect("a number").to_owned()
}

#[test]
fn all_is_well_and_nothing_is_left() {
    let server = Server::start();
    let endpoint = server.endpoint();
    let before = revision(&server);
    let run = examined(doctor(&endpoint, &[]), 0);
    says(
        &run,
        "ok",
        "endpoint",
        &[&endpoint, "etcd 3", "the leader", "a read takes "],
    );
    says(&run, "ok", "auth", &["nobody log in"]);
    says(&run, "ok", "rights", &["read below /locks/"]);
    says(&run, "ok", "rights", &["write below /locks/"]);
    says(&run, "ok", "rights", &["leases are granted", "10s"]);
    let times = [
        "every 3s 333ms",
        "SIGTERM 7s 400ms",
        "SIGKILL after 9s 400ms",
        "for 4s 66ms",
    ];
    says(&run, "ok", "times", &times);
    says(&run, "ok", "proc", &["/proc"]);
    assert!(run.text().contains("clock "), "{}", run.text());
    let found = json(doctor(&endpoint, &["/locks/x", "--ttl", "20"]), 0);
    assert_eq!(found["store"], "etcd");
    let member = &found["endpoints"][0];
    assert_eq!(member["endpoint"], *endpoint);
    assert_eq!(member["reached"], true);
    assert_eq!(member["role"], "leader");
    let reads = member["read_seconds"].as_array().expect("an array");
    assert!(reads.len() > 1);
    assert!(
        reads
            .iter()
            .all(|read| (0.0..5.0).contains(&read.as_f64().expect("seconds")))
    );
    // A renewal is a ping and a read.
    let slowest = reads.iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    let renewal = format!("a renewal takes up to {:.2}ms", slowest * 2.0 * 1000.0);
    let findings = found["findings"].as_array().expect("an array");
    let said = findings.iter().any(|finding| finding["text"] == *renewal);
    assert!(said, "{renewal}: {findings:?}");
    assert_eq!(found["auth"], false);
    assert_eq!(found["rights"]["prefix"], "/locks/x/");
    for right in ["read", "write", "lease"] {
        assert_eq!(found["rights"][right], true, "{right}");
    }
    assert_eq!(found["times"]["ttl"], 20.0);
    assert_eq!(found["times"]["killed"], 18.9);
    assert_eq!(found["directory"], Value::Null);
    assert_eq!(server.keys(), [""; 0]);
    assert_eq!(server.leases(), [""; 0]);
    assert_eq!(revision(&server), before);
}

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

#[test]
fn every_setting_says_where_it_is_from() {
    let server = Server::start();
    let store = Store::files();
    let config = store.path("config.toml");
    std::fs::write(&config, "ttl = \"20s\"\n\nretry-interval = 0.5\n").expect("a file");
    let mut command = doctor(&server.endpoint(), &["--config"]);
    command.arg(&config);
    command.env("GENLOCK_NO_RECORD_COMMAND", "1");
    command.env("GENLOCK_COMMAND_TIMEOUT", "7s");
    command.env("ETCDCTL_DIAL_TIMEOUT", "3s");
    command.env("ETCDCTL_COMMAND_TIMEOUT", "9s");
    let found = json(command, 0);
    let of = |key: &str| {
        let settings = found["settings"].as_array().expect("an array");
        let mut all = settings.iter().filter(|setting| setting["key"] == key);
        let setting = all.next().expect("a setting");
        let text = |field: &str| setting[field].as_str().map(str::to_owned);
        (
            text("value"),
            text("origin").expect("an origin"),
            text("kind").expect("a kind"),
        )
    };
    let is = |key: &str, value: &str, origin: &str, kind: &str| {
        let expected = (Some(value.to_owned()), origin.to_owned(), kind.to_owned());
        assert_eq!(of(key), expected, "{key}");
    };
    let at = |line: u32| format!("{}:{line}", config.display());
    is("endpoints", &server.endpoint(), "option", "option");
    is("ttl", "20s", &at(1), "file");
    is("retry-interval", "0.5", &at(3), "file");
    is(
        "no-record-command",
        "1",
        "$GENLOCK_NO_RECORD_COMMAND",
        "variable",
    );
    is(
        "command-timeout",
        "7s",
        "$GENLOCK_COMMAND_TIMEOUT",
        "variable",
    );
    is("dial-timeout", "3s", "$ETCDCTL_DIAL_TIMEOUT", "variable");
    is("kill-after", "4s", "default", "default");
    assert_eq!(
        of("cacert"),
        (None, "default".to_owned(), "default".to_owned())
    );
    // What the doctor itself does not use is looked at as well.
    let mut command = doctor(&server.endpoint(), &[]);
    command.env("GENLOCK_RETRY_INTERVAL", "0");
    let run = examined(command, 78);
    says(
        &run,
        "wrong",
        "config",
        &[
            "retry-interval: it cannot be zero",
            "$GENLOCK_RETRY_INTERVAL",
        ],
    );
    says(&run, "ok", "config", &["/dev/null: read"]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_wrong() {
    let store = Store::files();
    let config = store.path("config.toml");
    std::fs::write(&config, "endpoint = 1\n").expect("a file");
    let doctor = || {
        let mut doctor = genlock();
        doctor.arg("doctor").arg("--config").arg(&config);
        doctor
    };
    let run = examined(doctor(), 78);
    let place = format!("{}:1", config.display());
    let texts = [&*place, "did you mean endpoints?"];
    says(&run, "wrong", "config", &texts);
    let found = json(doctor(), 78);
    let text = found["findings"][0]["text"].as_str().expect("a text");
    assert!(text.contains(&place), "{text}");
    assert_eq!(found["store"], Value::Null);
}

/// What nobody has set is shown only if it is asked for.
#[test]
fn settings_are_shown_where_they_differ() {
    let store = Store::files();
    let run = examined(doctor(&store.endpoints, &["--ttl", "20"]), 0);
    let set = |run: &Finished| {
        let lines = run.text().lines().filter(|line| line.starts_with("set "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let shown = set(&run);
    assert_eq!(shown.len(), 2, "{shown:?}");
    says(&run, "set", "endpoints", &[&store.endpoints, "(option)"]);
    says(&run, "set", "ttl", &["20", "(option)"]);
    let run = examined(doctor(&store.endpoints, &["-v"]), 0);
    says(&run, "set", "ttl", &["10s", "(default)"]);
    assert!(set(&run).len() > 10, "{}", run.text());
}

/// At a terminal: red for what is wrong, and nothing of the kind where it is not wanted.
#[test]
fn colours_are_for_a_terminal() {
    let store = Store::files();
    let mut shell = crate::pty::Shell::start(&store);
    let shown = shell.command("genlock doctor --endpoints file:/no/such/place");
    assert!(
        shown.contains("\x1b[31mlocks do not work\x1b[0m"),
        "{shown:?}"
    );
    let shown = shell.command("NO_COLOR=1 genlock doctor --endpoints file:/no/such/place");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    assert!(
        !output(doctor("file:/no/such/place", &[]))
            .text()
            .contains('\x1b')
    );
}

#[test]
fn locks_in_files() {
    let store = Store::files();
    let locks = store.path("locks");
    let (endpoints, path) = (&*store.endpoints, locks.display().to_string());
    let run = examined(doctor(endpoints, &["k"]), 0);
    says(
        &run,
        "ok",
        "directory",
        &[&path, "made with the first lock"],
    );
    assert!(!locks.exists(), "the doctor has made it");
    output(store.run(&[], &["true"])).silent(0);
    let run = examined(doctor(endpoints, &["k"]), 0);
    says(&run, "ok", "directory", &[&path, "mode 0700"]);
    let found = json(doctor(endpoints, &[]), 0);
    assert_eq!(found["store"], "file");
    assert_eq!(found["directory"]["path"], *path);
    assert_eq!(found["directory"]["mode"], "0700");
    assert_eq!(found["times"], Value::Null);
    let mode = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&locks, mode).expect("a mode");
    };
    mode(0o777);
    let run = examined(doctor(endpoints, &[]), 78);
    says(
        &run,
        "wrong",
        "directory",
        &[&path, "sticky bit", "chmod +t"],
    );
    let there = std::fs::metadata(&locks).expect("the directory");
    assert_eq!(
        there.permissions().mode() & 0o7777,
        0o777,
        "the doctor has changed it"
    );
    mode(0o1777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(
        &run,
        "warn",
        "directory",
        &["mode 1777", "others can write in it"],
    );
    mode(0o770);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "warn", "directory", &["others can write in it"]);
    let above = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(store.directory(), mode).expect("a mode");
    };
    mode(0o755);
    above(0o777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "warn", "directory", &["others can write in it"]);
    above(0o1777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "ok", "directory", &["mode 0755"]);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&locks, Some(65534), None).expect("root's right");
        let run = examined(doctor(endpoints, &[]), 0);
        says(
            &run,
            "warn",
            "directory",
            &["user 65534", "others can write in it"],
        );
        std::os::unix::fs::chown(&locks, Some(0), None).expect("root's right");
    }
    let file = locks.join("k.lock").display().to_string();
    for (endpoints, why) in [
        (format!("{endpoints}/absent/locks"), "no such file"),
        (format!("file:{file}"), "not a directory"),
    ] {
        let run = examined(doctor(&endpoints, &[]), 78);
        says(&run, "wrong", "directory", &[why]);
    }
    if Path::new("/dev/shm").is_dir() {
        let found = json(doctor("file:/dev/shm", &[]), 0);
        assert_eq!(found["directory"]["filesystem"], "tmpfs");
        assert_eq!(found["directory"]["local"], true);
    }
}

#[test]
fn an_empty_key_is_refused() {
    let run = output(doctor("file:", &[""]));
    assert_eq!(run.status.code(), Some(64), "{run:?}");
    assert!(run.one_line().contains("empty"));
}
