//! check: the genlock around the command answers it, however the lock was taken; where it does not,
//! the store is asked.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::Signal;

use super::check::inside;
use crate::genlock::{Finished, Run, Store, output, poll, within};
use crate::process::{has, is_stopped};
use crate::support::etcd::{Server, Setup};

/// Far from where the lock was taken.
const CHECK: &str = "cd / && genlock check -q";

/// Runs it in the server's directory, where its certificates are.
#[track_caller]
fn there(server: &Server, options: &[&str], variables: &[(&str, &str)]) -> Finished {
    let store = Store::at(server.endpoint());
    let mut run = inside(&store, options, CHECK);
    run.current_dir(server.file(""))
        .envs(variables.iter().copied());
    output(run)
}

#[test]
fn certificates_that_only_options_or_a_configuration_name() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let options = "--cacert=ca.pem --cert=client.pem --key=client.key";
    let options: Vec<_> = options.split(' ').collect();
    there(&server, &options, &[]).silent(0);
    let relative = [
        ("GENLOCK_CACERT", "ca.pem"),
        ("GENLOCK_CERT", "client.pem"),
        ("GENLOCK_KEY", "client.key"),
    ];
    there(&server, &[], &relative).silent(0);
    let text = "cacert = \"ca.pem\"\ncert = \"client.pem\"\nkey = \"client.key\"\n";
    fs::write(server.file("config.toml"), text).expect("a configuration");
    there(&server, &[], &[("GENLOCK_CONFIG", "config.toml")]).silent(0);
    there(&server, &["--config=config.toml"], &[]).silent(0);
}

#[test]
fn a_password_that_the_command_is_not_given() {
    let mut server = Server::start();
    server.enable_auth();
    fs::write(server.file("password"), "secret\n").expect("a password");
    let mode = PermissionsExt::from_mode(0o600);
    fs::set_permissions(server.file("password"), mode).expect("its mode");
    there(&server, &["--user=app", "--password-file=password"], &[]).silent(0);
    there(&server, &[], &[("GENLOCK_USER", "app:secret")]).silent(0);
    let apart = [("GENLOCK_USER", "app"), ("GENLOCK_PASSWORD", "secret")];
    there(&server, &[], &apart).silent(0);
    there(&server, &["--user=app"], &[("GENLOCK_PASSWORD", "secret")]).silent(0);
    there(&server, &[], &[("ETCDCTL_USER", "app:secret")]).silent(0);
}

/// The answer is the store's, and not what genlock believes.
#[test]
fn a_lock_that_the_store_does_not_know_any_more_is_not_ours() {
    let store = Store::etcd();
    let script = "trap '' TERM; echo ready $$; read go; genlock check; echo \"status $?\";
                  exec sleep 600";
    let mut run = Run::start_to_wait(inside(&store, &["--kill-after=1s"], script));
    run.ready();
    let server = store.server().expect("an etcd");
    server.ctl(&["del", &format!("{}/", store.key), "--prefix"]);
    run.go_on();
    run.says("status 80");
    let ended = run.finish();
    assert_eq!(ended.status.code(), Some(80), "{ended:?}");
}

#[test]
fn the_innermost_is_asked() {
    let outer = Store::etcd();
    let inner = Store::files();
    let endpoints = &inner.endpoints;
    let script = format!(
        "genlock check; genlock run --endpoints {endpoints} inner \
         env GENLOCK_CONFIG=/no/such/file $genlock check --json"
    );
    let mut run = inside(&outer, &[], &script);
    run.env("genlock", crate::genlock::genlock().get_program());
    let run = output(run).silent(0);
    let (seconds, answer) = run.text().split_once('\n').expect("two lines");
    assert!(seconds.parse::<u32>().is_ok(), "{seconds}");
    let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
    assert_eq!(answer["key"], "inner");
    assert_eq!(answer["held"], true);
    assert_eq!(answer["left"], serde_json::Value::Null);
}

#[test]
fn a_genlock_that_is_frozen_is_not_waited_for() {
    let server = Server::start();
    let store = Store::at(server.endpoint());
    let script = "echo ready $$; while read go; do genlock check -q; echo \"status $?\"; done";
    let mut run = Run::start_with(inside(&store, &["--ttl=60s"], script), Stdio::piped());
    run.ready();
    let mut stdin = run.stdin();
    run.signal(Signal::STOP);
    poll("genlock's stop", || is_stopped(run.pid()));
    let mut times = 0;
    within(Duration::from_secs(3), || {
        let start = Instant::now();
        times += 1;
        stdin.write_all(b"go\n").expect("a pipe");
        run.says_times("status 0", times);
        start.elapsed()
    });
    run.signal(Signal::CONT);
    drop(stdin);
    assert_eq!(run.finish().status.code(), Some(0));
}

#[test]
fn from_another_network_the_store_is_asked() {
    if !rustix::process::geteuid().is_root() || !has("unshare") {
        eprintln!("skipped: only root can make a network namespace");
        return;
    }
    let store = Store::files();
    let script = "echo $GENLOCK_HELD_SOCKET; unshare -n $genlock check";
    let mut run = inside(&store, &[], script);
    run.env("genlock", crate::genlock::genlock().get_program());
    let run = output(run).silent(0);
    let (socket, answer) = run.text().split_once('\n').expect("two lines");
    assert_eq!(socket.len(), 96);
    assert_eq!(answer, "unlimited");
}

/// Connects to what the command's variable names.
fn connect(variable: &str) -> Option<OwnedFd> {
    let name = format!("genlock-{}", &variable[..32]);
    let name = SocketAddrUnix::new_abstract_name(name.as_bytes()).expect("a name");
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let socket = socket.expect("a socket");
    rustix::net::connect(&socket, &name)
        .is_ok()
        .then_some(socket)
}

/// Whoever sees the name can connect, and that is all.
#[test]
fn those_who_connect_and_do_not_ask_are_in_nobodys_way() {
    let store = Store::etcd();
    let script = "echo $GENLOCK_HELD_SOCKET >socket; echo ready $$; read go;
                  genlock check -q; echo \"status $?\"; sleep 3";
    let mut run = Run::start_to_wait(inside(&store, &["--ttl=2s", "-vv"], script));
    run.ready();
    let variable = fs::read_to_string(store.path("socket")).expect("a variable");
    let mut idle = Vec::new();
    for _ in 0..100 {
        if let Some(socket) = connect(&variable) {
            let _ = rustix::net::send(&socket, b"{}", rustix::net::SendFlags::NOSIGNAL);
            idle.push(socket);
        }
        idle.extend(connect(&variable));
    }
    assert!(idle.len() >= 16, "{}", idle.len());
    run.go_on();
    run.says("status 0");
    let run = run.finish();
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert!(run.stderr.matches("renewed").count() > 3, "{run:?}");
}
