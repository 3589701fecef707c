//! check: inside a command, is the lock still ours?

use super::verb;
use crate::genlock::{Run, Store, genlock, output};

/// Runs a script under the lock, in which `genlock` is this genlock without any options.
pub(super) fn inside(store: &Store, options: &[&str], script: &str) -> std::process::Command {
    let program = genlock().get_program().to_str().expect("a path").to_owned();
    let mut run = store.sh(
        options,
        &format!("genlock() {{ {program} \"$@\"; }}\n{script}"),
    );
    run.env_remove("GENLOCK_TTL");
    run
}

over_every_store! {
    it_asks_the_store_that_holds_the_lock;
    a_lock_that_was_taken_away_is_not_ours;
    a_lock_of_an_earlier_token_is_not_ours;
}

/// No option and no variable names the store inside.
fn it_asks_the_store_that_holds_the_lock(store: &Store) {
    let leases = store.expires();
    let script = "genlock check --json; genlock check; genlock check -q; cd / && genlock check -q";
    let run = output(inside(store, &[], script)).silent(0);
    let mut lines = run.text().lines();
    let first = lines.next().expect("a line");
    let answer: serde_json::Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(answer["key"], store.key.as_str());
    assert_eq!(answer["held"], true);
    let seconds = lines.next().expect("a line");
    assert_eq!(lines.next(), None);
    if leases {
        let left = answer["left"].as_f64().expect("seconds");
        // A TTL of 10 s, less the margin and what etcd rounds off.
        assert!((5.0..=9.5).contains(&left), "{left}");
        assert!(
            (5..=9).contains(&seconds.parse::<u32>().expect("seconds")),
            "{seconds}"
        );
        let at_least = output(inside(store, &[], "genlock check -q --at-least 2s"));
        at_least.silent(0);
        let less = output(inside(store, &[], "genlock check -q --at-least 30s"));
        assert_eq!(less.status.code(), Some(75), "{less:?}");
        assert!(less.one_line().contains("less than 30s"), "{less:?}");
    } else {
        assert_eq!(answer["left"], serde_json::Value::Null);
        assert_eq!(seconds, "unlimited");
        output(inside(store, &[], "genlock check -q --at-least 30s")).silent(0);
    }
}

fn a_lock_that_was_taken_away_is_not_ours(store: &Store) {
    let script =
        "trap '' TERM; echo ready $$; read go; genlock check; echo \"status $?\"; exec sleep 600";
    let mut run = Run::start_to_wait(inside(store, &["--kill-after=3s"], script));
    run.ready();
    let token = super::token(store).to_string();
    output(verb(
        store,
        "break",
        &["--token", &token, "-w0", &store.key],
    ))
    .silent(0);
    run.go_on();
    run.says("status 80");
    let ended = run.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
    assert!(ended.stderr.contains("not ours any more"), "{ended:?}");
}

fn a_lock_of_an_earlier_token_is_not_ours(store: &Store) {
    let script = "GENLOCK_HELD_TOKEN=$((GENLOCK_HELD_TOKEN - 1)) genlock check --json; echo $?";
    let run = output(inside(store, &[], script));
    assert!(run.one_line().contains("not ours any more"), "{run:?}");
    let (answer, status) = run.text().split_once('\n').expect("two lines");
    assert!(answer.contains(r#""held":false"#), "{answer}");
    assert_eq!(status, "80");
}

#[test]
fn outside_of_a_command_it_is_refused() {
    let mut check = genlock();
    check.args(["check", "--endpoints", "file:"]);
    let refused = output(check);
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(refused.one_line().contains("genlock run"), "{refused:?}");
}
