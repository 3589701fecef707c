//! As the first process of a PID namespace, as in a container: default actions of signals do not
//! apply to it, and it is given all orphans (pid_namespaces(7)).

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::genlock::{Run, Store, bare, output, poll, send, under};
use crate::process::{children, is_dead, name, watchdog, with_argument};
use crate::pty::{INTERRUPT, SUSPEND, Shell};

const NAMESPACE: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Whether this machine can have such namespaces; says so if not.
fn possible() -> bool {
    let possible = output(first(&bare("true"))).status.success();
    if !possible {
        eprintln!("skipped: PID namespaces take root");
    }
    possible
}

/// The command as the first process of a namespace.
fn first(command: &Command) -> Command {
    under(&NAMESPACE, command)
}

/// Another program in the store's own directory.
fn bare_in(store: &Store, program: &str, arguments: &[&str]) -> Command {
    let mut command = bare(program);
    command.args(arguments).current_dir(store.directory());
    command
}

/// The genlock within, by its number outside.
fn genlock(run: &Run) -> i32 {
    let mut found = Vec::new();
    poll("the first process", || {
        found = children(run.pid());
        !found.is_empty()
    });
    found[0]
}

#[test]
fn it_ends_as_the_command_did() {
    if !possible() {
        return;
    }
    let store = Store::files();
    output(first(&store.sh(&[], "exit 7"))).silent(7);
    output(first(&store.sh(&[], "kill -TERM $$"))).silent(143);
    output(first(&store.sh(&[], "kill -KILL $$"))).silent(137);
    let lost = output(first(&store.sh(&["--no-renew", "--ttl", "2"], "sleep 600")));
    assert_eq!(lost.status.code(), Some(80), "{lost:?}");
    lost.one_line();
    assert!(store.is_free());
}

#[test]
fn signals_reach_the_command() {
    if !possible() {
        return;
    }
    let store = Store::files();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let run = Run::start(first(&store.sh(&[], "echo ready $$; exec sleep 600")));
        run.ready();
        send(genlock(&run), signal);
        run.finish().silent(status);
        assert!(store.is_free());
    }
    let script = "exec 2>/dev/null; trap 'echo told; exit 5' TERM; echo ready $$; while :; do sleep 0.02; done";
    let run = Run::start(first(&store.sh(&[], script)));
    run.ready();
    send(genlock(&run), Signal::TERM);
    let run = run.finish().silent(5);
    assert!(run.text().ends_with("told"), "{run:?}");
}

#[test]
fn a_signal_ends_its_wait() {
    if !possible() {
        return;
    }
    let store = Store::etcd();
    let holder = store.hold();
    let run = Run::start(first(&store.run(&[], &["echo", "ran"])));
    run.complains("waiting");
    send(genlock(&run), Signal::TERM);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(143), "{run:?}");
    run.one_line();
    assert_eq!(store.entries().len(), 1, "the holder's alone");
    holder.end();
}

/// Has a process within started by another that ends at once, and gives its number outside.
fn orphan(genlock: i32) -> i32 {
    let target = genlock.to_string();
    let mut enter = bare("nsenter");
    enter.args(["--target", &target, "--pid", "--mount", "sh", "-c"]);
    enter.arg("sleep 600 >/dev/null 2>&1 & exit 0");
    output(enter).silent(0);
    let mut found = None;
    poll("the orphan", || {
        let watchdog = watchdog(genlock);
        found = children(genlock).into_iter().find(|&pid| pid != watchdog);
        found.is_some()
    });
    found.expect("an orphan")
}

#[test]
fn it_reaps_orphans() {
    if !possible() {
        return;
    }
    let store = Store::files();
    let run = Run::start(first(&store.sh(&[], "echo ready $$; exec sleep 600")));
    run.ready();
    let waiter = Run::start(first(&store.sh(&[], "exit 3")));
    waiter.complains("waiting");
    for genlock in [genlock(&run), genlock(&waiter)] {
        let orphan = orphan(genlock);
        send(orphan, Signal::KILL);
        // A dead one that nobody reaped would still be its child.
        poll("its reaping", || children(genlock) == [watchdog(genlock)]);
    }
    // And it still knows its own.
    send(genlock(&run), Signal::TERM);
    run.finish().silent(143);
    assert_eq!(waiter.finish().status.code(), Some(3));
}

#[test]
fn a_killed_watchdogs_tree_is_dead_before_the_release() {
    if !possible() {
        return;
    }
    let store = Store::files();
    let script = "setsid sh -c 'echo ready $$; exec sleep 600' & echo ready $$; exec sleep 600";
    let run = Run::start(first(&store.sh(&[], script)));
    run.all_ready(2);
    let watchdog = watchdog(genlock(&run));
    let below: Vec<_> = children(watchdog)
        .into_iter()
        .flat_map(|pid| [vec![pid], children(pid)].concat())
        .collect();
    assert!(below.len() > 1, "{below:?}");
    send(watchdog, Signal::KILL);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert!(below.iter().all(|&pid| is_dead(pid)));
    assert!(store.is_free());
}

#[test]
fn what_is_left_on_purpose_is_reaped_while_the_command_runs() {
    let store = Store::files();
    let script = "(sleep 600 >/dev/null 2>&1 & echo ready $!); read x";
    let mut run = Run::start_with(store.sh(&["--leave-descendants"], script), Stdio::piped());
    let left = run.ready();
    let genlock = run.pid();
    poll("its parent's end", || children(genlock).contains(&left));
    send(left, Signal::KILL);
    poll("its reaping", || children(genlock) == [watchdog(genlock)]);
    run.go_on();
    assert_eq!(run.finish().status.code(), Some(1));
}

/// Where /proc is still the outer namespace's, the number that it gives to what the command left
/// behind can be anybody's here.
#[test]
fn the_numbers_of_another_namespaces_proc_are_nobodys() {
    if !possible() {
        return;
    }
    let store = Store::files();
    output(bare_in(&store, "mkfifo", &["number", "go"])).silent(0);
    let left = store.path("left");
    std::fs::write(&left, "").expect("a file");
    let script = format!(
        "setsid tail -f {} & echo ready $!; read x <go; exit 3",
        left.display()
    );
    let genlock = store.sh(&["-k", "0.4"], &script);
    let first = r#"
        "$@" &
        genlock=$!
        read number <number
        echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
        sleep 600 &
        other=$!
        [ $other = $number ] || echo "no such number: $other"
        echo >go
        wait $genlock
        echo status $?
        kill -0 $other && echo lives"#;
    let mut command = under(
        &[
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            first,
            "sh",
        ],
        &genlock,
    );
    command.current_dir(store.directory());
    let run = Run::start(command);
    run.ready();
    let mut outside = Vec::new();
    poll("what leaves the session", || {
        outside = with_argument(&left.display().to_string());
        outside.retain(|&pid| name(pid) == "tail");
        !outside.is_empty()
    });
    std::fs::write(store.path("number"), format!("{}\n", outside[0])).expect("a pipe");
    let run = run.finish();
    assert!(run.text().ends_with("status 3\nlives"), "{run:?}");
    assert!(is_dead(outside[0]), "what was left behind lives");

    let mut doctor = crate::genlock::genlock();
    doctor.args(["doctor", "--endpoints", &store.endpoints]);
    let found = output(under(&["unshare", "--pid", "--fork"], &doctor));
    let line = "there is no /proc of this PID namespace";
    assert!(found.text().contains(line), "{found:?}");
    let inside = output(under(&NAMESPACE, &doctor));
    assert!(!inside.text().contains(line), "{inside:?}");
}

#[test]
fn at_a_terminal() {
    if !possible() {
        return;
    }
    let store = Store::files();
    let mut shell = Shell::start(&store);
    let namespace = NAMESPACE.join(" ");
    let line = |script: &str| format!("{namespace} genlock run k sh -c '{script}'");
    shell.line(&line("while read x; do echo got:$x:; done; exit 4"));
    shell.send("hello\n");
    shell.until("got:hello:");
    // It cannot be stopped, and nobody would notice.
    shell.send(SUSPEND);
    shell.send("again\n");
    shell.until("got:again:");
    shell.send("\x04");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:4");
    assert_eq!(shell.foreground(), shell.pid());

    shell.line(&line("echo ready $$; exec sleep 600"));
    shell.ready();
    shell.send(INTERRUPT);
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:130");

    // Started in the background it takes nothing.
    shell.line(&format!("{} &", line("echo ready $$; exec sleep 600")));
    shell.ready();
    assert_eq!(shell.foreground(), shell.pid());
    assert!(shell.command("jobs").contains("Running"));
    shell.command("kill -9 %1");
}

/// Who runs us is known by its host and number, and both are those of a container beside ours: what
/// runs us holds another lock.
#[test]
fn a_holder_in_another_container_is_waited_for() {
    if !possible() {
        return;
    }
    let store = Store::files();
    let holder = Run::start(first(&store.sh(&[], "echo ready $$; exec sleep 600")));
    holder.ready();
    let inner = |key: &str| {
        let genlock = env!("CARGO_BIN_EXE_genlock");
        let endpoints = &store.endpoints;
        format!("env -i {genlock} run --config /dev/null --endpoints {endpoints} -w 1 {key} true")
    };
    let mut outer = Store::at(store.endpoints.clone());
    outer.key = "other".to_owned();
    let waited = output(first(&outer.sh(&[], &inner(&store.key))));
    assert_eq!(waited.status.code(), Some(75), "{waited:?}");
    let refused = output(first(&outer.sh(&[], &inner(&outer.key))));
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
}
