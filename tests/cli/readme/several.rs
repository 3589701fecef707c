//! Locks that several hold.

use super::{Newcomer, block};
use crate::genlock::Run;
use crate::support::etcd::Server;

#[test]
fn a_gpu_each() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let job = "#!/bin/sh\necho ready $$\necho gpu $CUDA_VISIBLE_DEVICES.\nread x\n";
    newcomer.program("train.sh");
    std::fs::write(newcomer.path("train.sh"), job).expect("a program");
    let script = block("genlock run --max-holders 4");
    let jobs = [(); 4].map(|()| Run::start_to_wait(newcomer.types(&script)));
    for job in &jobs {
        job.ready();
    }
    let mut seen = Vec::new();
    for mut job in jobs {
        job.go_on();
        let said = job.finish();
        let gpu = said.text().lines().find(|line| line.starts_with("gpu "));
        seen.push(gpu.expect("a number").to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["gpu 0.", "gpu 1.", "gpu 2.", "gpu 3."]);
}

#[test]
fn a_rolling_restart() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    for step in ["drain", "restart", "healthy"] {
        newcomer.program(step);
    }
    let script = block("genlock run --max-holders 2");
    let done = newcomer.typed(&script).silent(0);
    assert_eq!(done.text(), "drain\nrestart\nhealthy");
}

#[test]
fn readers_beside_each_other_and_a_writer_alone() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("backup.sh");
    newcomer.program("migrate.sh");
    let reader = "exec genlock run --shared /locks/db sh -c 'echo ready $$; exec sleep 600'";
    let reader = Run::start(newcomer.types(reader));
    reader.ready();
    let script = block("genlock run --shared /locks/db");
    let (backup, migrate) = script.split_once('\n').expect("two lines");
    newcomer.typed(backup).silent(0);
    let tried = newcomer.typed(&migrate.replace("--wait 1h", "--try -q"));
    assert_eq!(tried.status.code(), Some(75));
    reader.end();
    newcomer.typed(migrate).silent(0);
}

#[test]
fn several_at_once_or_none() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("copy.sh");
    let script = block("genlock run --also /locks/db2");
    newcomer.typed(&script).silent(0);
    let held = "exec genlock run /locks/db2 sh -c 'echo ready $$; exec sleep 600'";
    let holder = Run::start(newcomer.types(held));
    holder.ready();
    let tried = newcomer.typed(&script.replace("run", "run --try -q"));
    assert_eq!(tried.status.code(), Some(75));
    holder.end();
    newcomer.typed(&script).silent(0);
}
