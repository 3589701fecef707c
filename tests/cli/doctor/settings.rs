//! What is set, and by whom.

use serde_json::Value;

use super::{doctor, examined, json, says};
use crate::genlock::{Finished, Store, genlock};
use crate::support::etcd::Server;

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
}

/// It is looked at as well.
#[test]
fn a_setting_that_doctor_itself_does_not_use() {
    let server = Server::start();
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
