//! What docs/comparison.md says of `etcdctl lock` (Debian's) and flock(1), shown, with genlock beside them.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::genlock::{Run, Store, bare, output};
use crate::support::etcd::Server;

/// `etcdctl lock` with this shell script.
fn etcdctl_lock(server: &Server, script: &str) -> Command {
    server.ctl_command(&["lock", "/locks/k", "--", "sh", "-c", script])
}

#[test]
fn etcdctl_goes_on_beside_the_next_holder_when_its_lock_is_lost() {
    let server = Server::start();
    let script = "echo ready $$; read x; echo to the end";
    let take_away = || {
        let key = server.keys().remove(0);
        let lease = key.rsplit('/').next().expect("a lease").to_owned();
        server.ctl(&["lease", "revoke", &lease]);
    };
    // It gives its command no stdin: a FIFO stands in.
    let store = Store::at(server.endpoint());
    let fifo = store.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let from_fifo = format!("exec < {}; {script}", fifo.display());
    let first = Run::start(etcdctl_lock(
        &server,
        &format!("echo ready $$; {from_fifo}"),
    ));
    first.ready();
    take_away();
    let second = output(etcdctl_lock(&server, "echo second"));
    assert_eq!(second.text(), "second");
    std::fs::write(&fifo, "\n").expect("a reader");
    let first = first.finish();
    assert!(first.text().ends_with("to the end"), "{first:?}");
    assert_eq!(first.status.code(), Some(0));

    let ours = Run::start_with(store.sh(&[], script), Stdio::piped());
    ours.ready();
    take_away();
    let ours = ours.finish();
    assert!(!ours.text().contains("to the end"), "{ours:?}");
    assert_eq!(ours.status.code(), Some(80));
}

#[test]
fn etcdctl_keeps_the_status_and_the_stdin_of_its_command_to_itself() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let theirs = output(etcdctl_lock(&server, "exit 3"));
    assert_eq!(theirs.status.code(), Some(1));
    assert_eq!(output(store.sh(&[], "exit 3")).silent(3).text(), "");
    let fed = |mut command: Command| {
        let piped = bare("echo").arg("fed").stdout(Stdio::piped()).spawn();
        let mut echo = piped.expect("echo");
        command.stdin(echo.stdout.take().expect("a pipe"));
        let text = command.output().expect("an output").stdout;
        echo.wait().expect("echo");
        String::from_utf8(text).expect("text")
    };
    assert_eq!(fed(etcdctl_lock(&server, "cat")), "");
    assert_eq!(fed(store.run(&[], &["cat"])), "fed\n");
}

#[test]
fn etcdctl_swallows_the_signal_that_should_end_its_command() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let script = |end: &str| {
        format!(
            "trap 'echo told; exit 5' TERM; echo ready $$; while [ ! -e {end} ]; do sleep 0.02; done; echo to the end"
        )
    };
    let end = store.path("end");
    let theirs = Run::start(etcdctl_lock(&server, &script(end.to_str().expect("text"))));
    theirs.ready();
    theirs.signal(Signal::TERM);
    std::fs::write(&end, "").expect("a file");
    let theirs = theirs.finish();
    assert!(theirs.text().ends_with("to the end"), "{theirs:?}");

    let ours = Run::start(store.sh(&[], &script("/nowhere/end")));
    ours.ready();
    ours.signal(Signal::TERM);
    let ours = ours.finish();
    assert!(ours.text().ends_with("told"), "{ours:?}");
    assert_eq!(ours.status.code(), Some(5));
}

#[test]
fn etcdctl_leaves_what_its_command_started_and_genlock_does_not() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let script = "sleep 60 >&- 2>&- & echo $!";
    let alive = |text: &str| {
        let pid = text
            .lines()
            .last()
            .expect("a line")
            .parse()
            .expect("a number");
        let alive = !crate::process::is_dead(pid);
        if alive {
            crate::genlock::send(pid, Signal::KILL);
        }
        alive
    };
    assert!(alive(output(etcdctl_lock(&server, script)).text()));
    assert!(!alive(output(store.sh(&[], script)).text()));
}

#[test]
fn flock_keeps_the_lock_with_its_command_and_so_does_genlock_with_a_file() {
    let store = Store::files();
    let file = store.path("flock");
    let file = file.to_str().expect("text");
    let flock = |arguments: &[&str]| {
        let mut command = bare("flock");
        command.args(arguments);
        command
    };
    let holder = Run::start(flock(&[file, "sh", "-c", "echo ready $$; exec sleep 600"]));
    let command = holder.ready();
    drop(holder);
    let busy = output(flock(&["-n", "-E", "75", file, "true"]));
    assert_eq!(busy.status.code(), Some(75));
    crate::genlock::send(command, Signal::KILL);

    let killed = output(flock(&[file, "sh", "-c", "kill -KILL $$"]));
    assert_eq!(killed.status.code(), Some(137));
    let killed = output(store.sh(&[], "kill -KILL $$"));
    assert_eq!(killed.status.signal(), Some(9));
}
