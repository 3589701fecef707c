//! A root with nothing in it but genlock, and what names need: /etc/hosts, or /etc/resolv.conf.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use crate::genlock::{Store, bare, output};
use crate::process::has;
use crate::{STATIC, is_static};

/// The only host.
const HOST: &str = "store.test";

/// An address of the loopback's where nobody else serves DNS.
const SERVER: &str = "127.53.0.97";

/// A root with these files in its /etc; `None`, which is said, where that cannot be had.
fn root(files: &[(&str, String)]) -> Option<TempDir> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: chroot needs root");
        return None;
    }
    let root = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(root.path().join("etc")).expect("a directory");
    for (name, text) in files {
        std::fs::write(root.path().join("etc").join(name), text).expect("a file");
    }
    let mut copy = bare("cp");
    copy.arg(STATIC).arg(root.path().join("genlock"));
    output(copy).silent(0);
    Some(root)
}

/// A run in that root, by the host's name, whose command is the only program there: it asks whether the
/// lock is held.
fn run(store: &Store, root: &Path) -> Command {
    let (_, port) = store.endpoints.rsplit_once(':').expect("a port");
    let endpoint = format!("http://{HOST}:{port}");
    let mut run = bare("chroot");
    // No /dev/null is there.
    run.env_remove("GENLOCK_CONFIG");
    run.arg(root)
        .args(["/genlock", "run", "--endpoints", &endpoint]);
    run.args([&store.key, "/genlock", "check"]);
    run
}

#[test]
fn with_hosts_alone_it_runs() {
    let hosts = [("hosts", format!("127.0.0.1 {HOST}\n"))];
    if let (true, Some(root)) = (is_static(), root(&hosts)) {
        output(run(&Store::etcd(), root.path())).silent(0);
    }
}

#[test]
fn with_a_name_server_alone_it_runs() {
    let server = [("resolv.conf", format!("nameserver {SERVER}\n"))];
    if let (true, Some(root)) = (is_static(), root(&server)) {
        serve();
        output(run(&Store::etcd(), root.path())).silent(0);
    }
}

/// Each service that is named would be a library, of whatever glibc there is.
#[test]
fn it_loads_no_library_for_names() {
    let files = [
        ("hosts", format!("127.0.0.1 {HOST}\n")),
        ("nsswitch.conf", "hosts: sss resolve files\n".to_owned()),
    ];
    if !has("strace") || !is_static() {
        return;
    }
    if let Some(root) = root(&files) {
        let store = Store::etcd();
        let run = run(&store, root.path());
        let log = store.path("log");
        let mut traced = bare("strace");
        traced.args(["-f", "-e", "trace=chroot,open,openat", "-o"]);
        traced.env_remove("GENLOCK_CONFIG");
        traced.arg(&log).arg(run.get_program()).args(run.get_args());
        output(traced).silent(0);
        let log = std::fs::read_to_string(&log).expect("a log");
        // What chroot(1) loads is opened before that.
        let (_, opened) = log.split_once("chroot(").expect("a new root");
        assert!(opened.contains("/etc/hosts"), "{opened}");
        assert!(!opened.contains(".so"), "{opened}");
    }
}

/// Answers each question for an IPv4 address with 127.0.0.1, and others with none (RFC 1035, 4.1).
fn serve() {
    let socket = UdpSocket::bind((SERVER, 53)).expect("a socket");
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            // The name begins behind the header, and ends with an empty label; a type and a class follow.
            let name = packet[12..length].iter().position(|&byte| byte == 0);
            let end = 12 + name.expect("a name") + 5;
            let is_ipv4 = packet[end - 4..end - 2] == [0, 1];
            let mut answer = packet[..end].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80]);
            answer[6..12].copy_from_slice(&[0, is_ipv4.into(), 0, 0, 0, 0]);
            if is_ipv4 {
                // The same name, type, class, for a minute, four bytes.
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
}
