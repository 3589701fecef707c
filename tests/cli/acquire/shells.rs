//! What is printed, and who takes it: shells, files of variables, and other programs.

use super::{acquire, under, variables, verb};
use crate::genlock::{Store, bare, output};
use crate::process::has;

const GENLOCK: &str = env!("CARGO_BIN_EXE_genlock");

/// A key with all that means something to a shell.
const KEY: &str = r#"a b'c\d"e$HOME`f;g*"#;

#[test]
fn every_shell_evaluates_it() {
    let store = Store::files();
    for shell in ["bash", "dash", "zsh", "fish"] {
        if !has(shell) {
            continue;
        }
        let same = r#"test "$GENLOCK_HELD_KEY" = "$KEY""#;
        let script = format!(
            "eval \"$({GENLOCK} acquire --export --for 10m \"$KEY\")\"\n\
             {same} || exit 1\n{GENLOCK} check -q || exit 2\n{GENLOCK} release"
        );
        let mut run = bare(shell);
        run.args(["-c", &script]).env("KEY", KEY);
        run.env("GENLOCK_ENDPOINTS", &store.endpoints);
        output(run).silent(0);
    }
}

/// A script that goes on without the lock is the worst that can be.
#[test]
fn a_shell_that_evaluates_a_failure_fails() {
    let store = Store::files();
    let holder = store.hold();
    for (options, status) in [("-n -q", 75), ("--nonsense", 64), ("--pid 0", 64)] {
        for shell in ["bash", "dash", "zsh", "fish"] {
            if !has(shell) {
                continue;
            }
            let script = format!("eval \"$({GENLOCK} acquire --export {options} k)\"");
            let mut run = bare(shell);
            run.args(["-c", &script]);
            run.env("GENLOCK_ENDPOINTS", &store.endpoints);
            let run = output(run);
            assert_eq!(
                run.status.code(),
                Some(status),
                "{shell} {options}: {run:?}"
            );
            assert_eq!(run.text(), "");
        }
    }
    drop(holder);
}

/// A subshell and a part of a pipeline are the script, for which the lock is.
#[test]
fn the_parent_is_the_script_itself() {
    let store = Store::files();
    let acquire = format!("{GENLOCK} acquire --for 10m --json {}", store.key);
    for shell in ["bash", "dash"] {
        for part in [
            format!("({acquire}; true) >&2"),
            format!("{{ {acquire}; true; }} | cat >&2"),
            format!("x=$({acquire}; true)"),
        ] {
            let script = format!("{part}\n{GENLOCK} status -q {}; echo $?", store.key);
            let mut run = bare(shell);
            run.args(["-c", &script]);
            run.env("GENLOCK_ENDPOINTS", &store.endpoints);
            let run = output(run);
            assert_eq!(run.text(), "0", "{shell} {part}: {run:?}");
            crate::genlock::poll("the end of the keeper", || store.is_free());
        }
    }
}

#[test]
fn as_json_it_has_all_that_is_known() {
    let store = Store::etcd();
    let acquired = output(acquire(&store, &["--json"])).silent(0);
    let acquired: serde_json::Value = serde_json::from_str(acquired.text()).expect("JSON");
    assert_eq!(acquired["v"], 1);
    assert_eq!(acquired["key"], store.key.as_str());
    assert_eq!(acquired["index"], serde_json::Value::Null);
    assert_eq!(acquired["ttl_seconds"], 5.0);
    assert_eq!(acquired["pid"], super::keeper(&store));
    assert!(
        acquired["ends_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
    let environment = acquired["environment"].as_object().expect("an object");
    let held = environment.iter().map(|(name, value)| {
        let value = value.as_str().expect("text").to_owned();
        (name.clone(), value)
    });
    output(under(&held.collect(), &["release"])).silent(0);
    assert!(store.is_free());
}

/// It would be another variable.
#[test]
fn a_new_line_has_no_place_in_a_file_of_variables() {
    let store = Store::files();
    let key = "k\nPATH=/evil";
    let refused = output(verb(&store, "acquire", &["--for", "60s", key]));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(
        refused.one_line().contains("--export or --json"),
        "{refused:?}"
    );
    let held = output(verb(&store, "acquire", &["--for", "60s", "a=b c"]));
    let held = variables(&held.silent(0));
    assert_eq!(held["GENLOCK_HELD_KEY"], "a=b c");
    output(under(&held, &["release"])).silent(0);
}
