//! The examples at the beginning of each verb's help, typed.

use rustix::process::Signal;

use super::Newcomer;
use crate::genlock::{Run, genlock, output};
use crate::process::has;
use crate::support::etcd::Server;
use crate::support::redis::RedisServer;
use crate::support::zookeeper::Chroot;

const VERBS: [&str; 9] = [
    "run", "status", "ls", "watch", "wait", "check", "break", "forget", "doctor",
];

/// What they run.
const PROGRAMS: [&str; 8] = [
    "backup.sh",
    "report.sh",
    "job.sh",
    "start.sh",
    "train.sh",
    "build",
    "switch",
    "bin/make",
];

/// The lines to type; what they do is indented further.
fn examples(verb: &str) -> Vec<String> {
    let mut help = genlock();
    help.args(verb.split(' ')).arg("--help");
    let help = output(help).silent(0);
    let (_, below) = help.text().split_once("Examples:\n").expect("examples");
    let (examples, _) = below.split_once("\n\n").expect("their end");
    let lines = examples.lines().filter_map(|line| line.strip_prefix("  "));
    let typed = lines.filter(|line| !line.starts_with(' '));
    typed.map(str::to_owned).collect()
}

#[test]
fn each_does_what_it_is_there_for() {
    if !has("jq") {
        return;
    }
    let server = Server::start();
    let redis = RedisServer::start();
    let chroot = Chroot::of_the_shared();
    let zookeeper = format!("zk://{}/", chroot.server.address());
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    for program in PROGRAMS {
        newcomer.program(program);
    }
    newcomer
        .typed("umask 077; echo secret > password")
        .silent(0);
    let mut typed = 0;
    for verb in VERBS {
        for line in examples(verb) {
            // Over TLS with two members: see recipes.rs.
            let line = line.replace("--endpoints https://a:2379,https://b:2379 ", "");
            let line = line.replace("zk://a,b,c/", &zookeeper);
            let line = line.replace("redis://cache:6379", &redis.endpoint());
            typed += 1;
            if verb == "watch" {
                let watch = Run::start(newcomer.types(&format!("exec {line}")));
                // Held until it is told of, however late the watch begins.
                let held = "exec genlock run /locks/backup sh -c 'echo ready $$; exec sleep 600'";
                let holder = Run::start(newcomer.types(held));
                holder.ready();
                watch.says("/locks/backup");
                holder.signal(Signal::TERM);
                holder.finish();
                watch.signal(Signal::INT);
                watch.finish();
                continue;
            }
            let said = newcomer.typed(&line);
            // Nobody holds what is asked for or taken away here.
            let expected = match verb {
                "status" if !line.contains('|') && !line.starts_with("if ") => 1,
                "break" if line.contains("--token") => 75,
                "break" => 1,
                // After all marks were deleted by the line above it.
                "forget" if line.ends_with("-27") => 1,
                _ => 0,
            };
            assert_eq!(said.status.code(), Some(expected), "{line}: {said:?}");
            assert!(expected != 0 || said.stderr.is_empty(), "{line}: {said:?}");
        }
    }
    assert!(typed > 15, "{typed}");
}

/// Those of a lock that is kept, one after the other in one script.
#[test]
fn a_script_keeps_a_lock_for_its_steps() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("deploy.sh");
    let acquire = examples("acquire");
    let (script, freeze) = acquire.split_first().expect("examples");
    let mut lines = vec!["set -e".to_owned(), script.clone()];
    for verb in ["renew", "run --held", "release"] {
        lines.extend(examples(verb));
    }
    let said = newcomer.typed(&lines.join("\n")).silent(0);
    assert_eq!(said.text(), "deploy.sh");
    assert!(server.keys().is_empty());
    newcomer.typed(&freeze.join("\n")).silent(0);
    let tried = newcomer.typed("genlock run --try /locks/deploy true");
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
}
