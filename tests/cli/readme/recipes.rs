//! The recipes, against an etcd.

use super::{Newcomer, block, blocks};
use crate::genlock::{Run, poll};
use crate::support::etcd::{Server, Setup};

#[test]
fn the_first_line() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("backup.sh");
    let script = block("genlock run /locks/backup -- ./backup.sh");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "backup.sh");
}

#[test]
fn the_first_try_without_a_server() {
    let newcomer = Newcomer::new();
    newcomer.checkout(&["tests"]);
    let script = block("tests/install build && cargo run --release");
    let script = script.replace("cargo run --release --", "genlock");
    let said = newcomer.typed(&script);
    assert_eq!(said.silent(0).text(), "nobody else runs this now");
}

#[test]
fn one_that_holds_and_one_that_tries() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let script = block("sudo apt-get install etcd-server");
    let lines: Vec<_> = script.lines().collect();
    let [install, holds, tries] = lines[..] else {
        panic!("{script}");
    };
    assert!(install.starts_with("sudo apt-get install"), "{install}");
    let holder = Run::start(newcomer.types(&holds.replace(" &", "")));
    poll("a holder", || server.keys().len() == 1);
    let tried = newcomer.typed(tries);
    assert_eq!(tried.status.code(), Some(75), "{tried:?}");
    assert!(tried.one_line().contains("sleep 60"), "{tried:?}");
    holder.end();
}

#[test]
fn a_configuration_for_the_host() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let newcomer = Newcomer::new();
    let text = block("endpoints = [\"https://");
    newcomer.file("config.toml", &text);
    newcomer.file("password", "secret\n");
    let ca = std::fs::read_to_string(server.file("ca.pem")).expect("a certificate");
    newcomer.file("ca.pem", &ca);
    if rustix::process::geteuid().is_root() {
        let password = newcomer.path("password");
        std::os::unix::fs::chown(&password, Some(65534), Some(65534)).expect("an owner");
    }
    newcomer.typed("chmod 600 password").silent(0);
    let script = "genlock run --config config.toml --dial-timeout 100ms --try /locks/k true";
    let said = newcomer.typed(script);
    // All of it is right; only that there are no such hosts.
    assert_eq!(said.status.code(), Some(69), "{said:?}");
    for host in ["etcd1", "etcd2", "etcd3"] {
        let refused = format!("https://{host}:2379: ");
        assert!(said.one_line().contains(&refused), "{said:?}");
    }
}

#[test]
fn try_and_do_something_else() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("reindex.sh");
    let script = block("genlock run --try /locks/reindex");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "reindex.sh\ndone");
    let holder = Run::start(
        newcomer.types("exec genlock run /locks/reindex sh -c 'echo ready $$; exec sleep 600'"),
    );
    holder.ready();
    let said = newcomer.typed(&script);
    assert_eq!(said.text(), "somebody is at it already");
    // The third branch, which nothing but a loss leads to.
    let lose = script.replace("./reindex.sh\n", "sh -c 'echo ready $$; sleep 600'\n");
    drop(holder);
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let loser = Run::start(newcomer.types(&lose));
    loser.ready();
    server.ctl(&["del", "/locks/", "--prefix"]);
    let said = loser.finish();
    assert!(said.text().contains("the lock was lost"), "{said:?}");
}

#[test]
fn wait_with_a_limit() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("bin/make");
    let script = block("genlock run --wait 10m --max-runtime 1h /locks/deploy");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "bin/make deploy");
}

#[test]
fn over_tls_with_a_user() {
    let server = Server::with(Setup {
        tls: true,
        ..Setup::default()
    });
    let newcomer = Newcomer::new();
    newcomer.program("backup.sh");
    for (ours, its) in [
        ("ca.pem", "ca.pem"),
        ("me.pem", "client.pem"),
        ("me-key.pem", "client.key"),
    ] {
        let text = std::fs::read_to_string(server.file(its)).expect("a file");
        newcomer.file(ours, &text);
    }
    let script = block("genlock run --endpoints https://etcd1:2379");
    let there = "https://etcd1:2379,https://etcd2:2379";
    let secret = "--password-file /etc/genlock/password";
    assert!(
        script.contains(there) && script.contains(secret),
        "{script}"
    );
    let script = script.replace(there, &server.endpoint());
    let script = script.replace(secret, "--password-file password");
    let script = format!("umask 077; echo secret > password\n{script}");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "backup.sh");
}

#[test]
fn before_a_step_that_cannot_be_undone() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("build");
    newcomer.program("switch");
    let mut count = 0;
    for block in blocks() {
        if block.text.starts_with("genlock run --ttl 60s") {
            let said = newcomer.typed(&block.text);
            let said = said.silent(0);
            let lines: Vec<_> = said.text().lines().collect();
            assert_eq!(lines[0], "build", "{lines:?}");
            assert!(lines[2].starts_with("switch"), "{lines:?}");
            count += 1;
        }
    }
    assert_eq!(count, 2);
}

#[test]
fn one_after_the_other() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    for program in [
        "migrate",
        "start.sh",
        "backfill.sh",
        "build.sh",
        "integration-tests.sh",
    ] {
        newcomer.program(program);
    }
    for (first, said) in [
        (
            "genlock run --wait 10m /locks/migrate",
            "migrate up\nstart.sh",
        ),
        ("genlock wait -w 10m /locks/migrate", "start.sh"),
        (
            "genlock run --wait 10m --max-runtime 2h /locks/migrate",
            "migrate up\nbackfill.sh",
        ),
        (
            "genlock run --wait 30m --max-runtime 1h /locks/integration",
            "build.sh\nintegration-tests.sh",
        ),
    ] {
        assert_eq!(newcomer.typed(&block(first)).silent(0).text(), said);
    }
}

/// What a CI system or a cluster starts, as words.
fn started() -> Vec<String> {
    let blocks = blocks().into_iter();
    let blocks = blocks.filter(|block| ["yaml", "dockerfile"].contains(&&*block.language));
    let mut started = Vec::new();
    for block in blocks {
        for line in block.text.lines() {
            let plain = line.replace(['[', ']', '"'], "").replace(", ", " ");
            if let Some(at) = plain.find("genlock run ") {
                started.push(plain[at..].to_owned());
            }
        }
    }
    // A step among several, and what a cluster puts in: see ci.rs.
    started.retain(|line| !line.contains("--held") && !line.contains("$("));
    started
}

#[test]
fn what_a_ci_job_or_a_container_starts() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("bin/make");
    newcomer.program("report");
    let started = started();
    assert!(started.len() > 3, "{started:?}");
    for line in started {
        let said = newcomer.typed(&line.replace("/app/", "./")).silent(0);
        assert!(
            ["bin/make deploy", "report"].contains(&said.text()),
            "{line}: {said:?}"
        );
    }
}

#[test]
fn without_a_server() {
    let newcomer = Newcomer::new();
    newcomer.program("backup.sh");
    let script = block("genlock run --endpoints file: --try /locks/backup");
    assert_eq!(newcomer.typed(&script).silent(0).text(), "backup.sh");
}

/// What the role of a user needs is what it is given.
#[test]
fn a_role_for_a_lock() {
    let server = Server::start();
    let mut newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.set("ETCDCTL_API", "3");
    newcomer.set("ETCDCTL_ENDPOINTS", &server.endpoint());
    newcomer.program("backup.sh");
    let script = block("etcdctl role add backup");
    let add = "etcdctl user add backup\n";
    assert!(script.contains(add), "{script}");
    let script = script.replace(add, "etcdctl user add backup:secret\n");
    let enable =
        "etcdctl user add root:secret; etcdctl user grant-role root root; etcdctl auth enable";
    let said = newcomer.typed(&format!("set -e\n{script}\n{enable}"));
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let run = "export GENLOCK_USER=backup GENLOCK_PASSWORD=secret
        genlock run /locks/backup ./backup.sh; genlock status -q /locks/backup; [ $? -eq 1 ]";
    assert_eq!(newcomer.typed(run).silent(0).text(), "backup.sh");
    let other = newcomer.typed(&run.replace("/locks/backup ", "/locks/other "));
    assert!(other.stderr.contains("/locks/other"), "{other:?}");
}

#[test]
fn the_token_in_a_transaction() {
    let server = Server::start();
    let mut newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.set("ETCDCTL_ENDPOINTS", &server.endpoint());
    newcomer.set("ETCDCTL_API", "3");
    newcomer.file("guarded", &block("printf '%s\\n' \"create("));
    let said = newcomer.typed("genlock run /locks/k sh ./guarded");
    assert!(said.text().starts_with("SUCCESS"), "{said:?}");
    let kept = server.ctl(&["get", "result", "--print-value-only"]);
    assert_eq!(kept, "done\n");
}
