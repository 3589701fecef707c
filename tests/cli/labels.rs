//! Why a lock is held, and its labels: where they come from, and all who see them.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::genlock::{Run, Store, genlock, output};

over_every_store! {
    all_who_look_see_them;
}

/// What each way of looking at the lock says.
fn all_who_look_see_them(store: &Store) {
    let notes = ["--reason", "audit\n\x1b[2J", "--label", "ticket=OPS-17"];
    let holder = Run::start(store.sh(&notes, "echo ready $$; exec sleep 600"));
    holder.ready();
    let waiting = ["--reason", "after it", "--label", "team=db"];
    let waiter = Run::start(store.run(&waiting, &["true"]));
    waiter.complains("waiting");
    let seen = r": audit\n\u{1b}[2J (ticket=OPS-17)";
    let tried = output(store.run(&["--try"], &["true"]));
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    assert!(tried.one_line().ends_with(seen), "{tried:?}");
    let ask = |words: &[&str]| {
        let mut ask = genlock();
        ask.args(words).args(["--endpoints", &store.endpoints]);
        ask
    };
    let status = output(ask(&["status", &store.key])).silent(0);
    for line in [r"  reason  audit\n\u{1b}[2J", "  label   ticket=OPS-17"] {
        assert!(status.text().lines().any(|l| l == line), "{status:?}");
    }
    let parsed = |command: Command| -> Value {
        let said = output(command).silent(0);
        serde_json::from_str(said.text()).expect("JSON")
    };
    let status = parsed(ask(&["status", "--json", &store.key]));
    for found in [
        &status["holder"],
        &parsed(ask(&["ls", "--json", &store.key]))[0]["holder"],
    ] {
        assert_eq!(found["reason"], "audit\n\x1b[2J");
        assert_eq!(found["labels"], json!({ "ticket": "OPS-17" }));
    }
    // Not every store knows who waits.
    if let Some(waits) = status["waiters"].get(0) {
        assert_eq!(waits["reason"], "after it");
        let status = output(ask(&["status", &store.key])).silent(0);
        assert!(
            status.text().ends_with(": after it (team=db)"),
            "{status:?}"
        );
    }
    let watch = Run::start(ask(&["watch", "--json", "--exact", &store.key]));
    watch.says("\"reason\":\"audit\\n\\u001b[2J\",\"labels\":{\"ticket\":\"OPS-17\"}");
    watch.signal(Signal::TERM);
    holder.end();
    let waiter = waiter.finish();
    waiter.waited();
    let first = waiter.stderr.lines().next().expect("a line");
    assert!(first.ends_with(seen), "{waiter:?}");
}

/// What the record has of a run with these options and variables.
fn recorded(store: &Store, options: &[&str], variables: &[(&str, &str)]) -> (Value, Value) {
    let script = format!(
        "exec {} status --json --endpoints {} {}",
        env!("CARGO_BIN_EXE_genlock"),
        store.endpoints,
        store.key
    );
    let mut run = store.sh(options, &script);
    run.envs(variables.iter().copied());
    let said = output(run).silent(0);
    let status: Value = serde_json::from_str(said.text()).expect("JSON");
    let holder = &status["holder"];
    (holder["reason"].clone(), holder["labels"].clone())
}

#[test]
fn labels_of_all_places_are_added_up_and_the_nearest_reason_counts() {
    let store = Store::files();
    let file = store.path("config.toml");
    let text = "reason = \"host\"\n[label]\nsite = \"fra, DE\"\nteam = \"host\"\nk = \"host\"\n";
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path");
    let (reason, labels) = recorded(&store, &["--config", file], &[]);
    assert_eq!(reason, "host");
    let expected = json!({ "site": "fra, DE", "team": "host", "k": "host" });
    assert_eq!(labels, expected);
    let variables = [
        ("GENLOCK_REASON", "variable"),
        ("GENLOCK_LABEL", "team=variable,k=variable,x="),
    ];
    let (reason, labels) = recorded(&store, &["--config", file], &variables);
    assert_eq!(reason, "variable");
    let expected = json!({ "site": "fra, DE", "team": "variable", "k": "variable", "x": "" });
    assert_eq!(labels, expected);
    let typed = [
        "--config",
        file,
        "--reason=typed",
        "--label=k=a,b",
        "--label",
        "k=c,d",
    ];
    let (reason, labels) = recorded(&store, &typed, &variables);
    assert_eq!(reason, "typed");
    let expected = json!({ "site": "fra, DE", "team": "variable", "k": "c,d", "x": "" });
    assert_eq!(labels, expected);
    assert_eq!(recorded(&store, &[], &[]), (Value::Null, json!({})));
}

#[test]
fn a_ci_job_is_linked_to_unless_that_is_not_wanted() {
    let store = Store::files();
    let job = "https://gitlab.example/g/p/-/jobs/17";
    let ci = [("GITLAB_CI", "true"), ("CI_JOB_URL", job)];
    let labels = |options: &[&str], more: &[(&str, &str)]| {
        recorded(&store, options, &[&ci[..], more].concat()).1
    };
    assert_eq!(labels(&[], &[]), json!({ "ci": job }));
    assert_eq!(labels(&["--label=ci=mine"], &[]), json!({ "ci": "mine" }));
    let mine = ["--no-ci-label", "--label=ci=mine"];
    assert_eq!(labels(&mine, &[]), json!({ "ci": "mine" }));
    assert_eq!(labels(&mine[..1], &[]), json!({}));
    assert_eq!(labels(&[], &[("GENLOCK_NO_CI_LABEL", "1")]), json!({}));
    let file = store.path("config.toml");
    std::fs::write(&file, "no-ci-label = true\n").expect("a file");
    let file = ["--config", file.to_str().expect("a path")];
    assert_eq!(labels(&file, &[]), json!({}));
    // What was asked for has the room.
    let long = format!("--reason={}", "r".repeat(1024));
    assert_eq!(labels(&[&long], &[]), json!({}));
}

#[test]
fn what_is_no_label_or_too_long_is_refused_before_the_store_is_asked() {
    let mut store = Store::files();
    // Nobody is there: it would be 69.
    store.endpoints = "127.0.0.1:1".to_owned();
    let file = store.path("config.toml");
    let path = file.to_str().expect("a path").to_owned();
    let refused = |text: &str, options: &[&str], variables: &[(&str, &str)], status| {
        std::fs::write(&file, text).expect("a file");
        let mut run = store.run(&["--config", &path], &["true"]);
        if !options.is_empty() {
            run = store.run(&[&["--config", &path], options].concat(), &["true"]);
        }
        run.envs(variables.iter().copied());
        let run = output(run);
        assert_eq!(run.status.code(), Some(status), "{run:?}");
        let line = run.one_line();
        line.strip_prefix("genlock: ").expect("a name").to_owned()
    };
    let form = "write it K=V, as in team=storage";
    let name = "a label's name is of letters, digits and . _ / - and begins with a letter or digit";
    let said = refused("", &["--label", "x"], &[], 64);
    assert_eq!(said, format!("--label x: {form}"));
    let said = refused("", &["--label", "a b=c"], &[], 64);
    assert_eq!(said, format!("--label 'a b=c': {name}"));
    let said = refused("", &[], &[("GENLOCK_LABEL", "a=b,-c=d")], 64);
    assert_eq!(said, format!("$GENLOCK_LABEL -c=d: {name}"));
    let said = refused("\n[label]\na = \"b\"\n\"ü\" = \"c\"\n", &[], &[], 78);
    assert_eq!(said, format!("{path}:4: label ü: {name}"));
    let said = refused("label = { a = 1 }", &[], &[], 78);
    assert_eq!(said, format!("{path}:1: label a: a string"));
    let said = refused("label = \"a=b\"", &[], &[], 78);
    assert!(
        said.starts_with(&format!("{path}:1: label: a table")),
        "{said}"
    );
    let room = |names: usize| "x".repeat(1024 - names);
    let most = |length: usize| {
        format!("the reason and the labels have {length} bytes together: at most 1024")
    };
    let reason = format!("--reason={}", room(2));
    let there = Store::files();
    let fits = there.run(&[&reason, "--label=k=v"], &["true"]);
    output(fits).silent(0);
    let said = refused("", &[&reason, "--label=k=vv"], &[], 64);
    assert_eq!(said, most(1025));
    let text = format!("reason = \"{}\"\nlabel = {{ k = \"vv\" }}", room(2));
    let said = refused(&text, &[], &[], 78);
    let places = format!("(reason in {path}:1, label in {path}:2)");
    assert_eq!(said, format!("{} {places}", most(1025)));
    let said = refused("", &[], &[("GENLOCK_REASON", &"x".repeat(1025))], 64);
    assert_eq!(said, format!("{} ($GENLOCK_REASON)", most(1025)));
}

#[test]
fn the_doctor_shows_each_with_its_place() {
    let store = Store::files();
    let file = store.path("config.toml");
    let text = "reason = \"host\"\nlabel = { team = \"db\" }\n";
    std::fs::write(&file, text).expect("a file");
    let mut doctor = genlock();
    doctor.args(["doctor", "--json", "--endpoints", &store.endpoints]);
    doctor
        .arg("--config")
        .arg(&file)
        .env("GENLOCK_LABEL", "a=b");
    let said = output(doctor).silent(0);
    let report: Value = serde_json::from_str(said.text()).expect("JSON");
    let at = |line: u32| format!("{}:{line}", file.display());
    for (key, value, origin) in [
        ("reason", "host", at(1)),
        ("label", "team=db", at(2)),
        ("label", "a=b", "$GENLOCK_LABEL".to_owned()),
    ] {
        let settings = report["settings"].as_array().expect("settings");
        let is = |s: &&Value| s["key"] == key && s["value"] == value && s["origin"] == *origin;
        assert_eq!(settings.iter().filter(is).count(), 1, "{key}: {report}");
    }
    let mut doctor = genlock();
    doctor.args(["doctor", "--endpoints", &store.endpoints]);
    doctor.env("GENLOCK_LABEL", "a=b,-c=d");
    let said = output(doctor);
    assert_eq!(said.status.code(), Some(78), "{said:?}");
    let wrong = "wrong  config     label: a label's name is ";
    assert!(said.text().contains(wrong), "{said:?}");
}
