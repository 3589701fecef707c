//! What operators do to the keys of locks by hand.

use std::io::Write;
use std::process::{Command, Stdio};

use super::super::nemesis::{Course, Nemesis};
use super::super::operator;
use crate::support::cluster::Cluster;

/// The last of a queue, while one that holds alone is there.
pub(super) fn delete_waiter(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let key = nemesis.any().key.clone();
    if let Some((holder, waiter)) = operator::queue(cluster, &key) {
        let transaction = format!("create(\"{holder}\") > \"0\"\n\ndel {waiter}\n\n\n");
        let mut etcdctl = ctl(cluster, &["txn"]);
        let mut etcdctl = etcdctl.stdin(Stdio::piped()).spawn().expect("etcdctl");
        // Whatever comes of it.
        let mut stdin = etcdctl.stdin.take().expect("a pipe");
        let _ = stdin.write_all(transaction.as_bytes());
        drop(stdin);
        etcdctl.wait().expect("an end");
    }
    Course::over()
}

/// Without a lease, or with one of somebody else's. When nothing of the holder's command can be there any more
/// it is deleted: if the holder died meanwhile it would stay.
pub(super) fn overwrite(nemesis: &mut Nemesis, cluster: &mut Cluster) -> Course<Cluster> {
    let key = nemesis.holder().key.clone();
    let Some(own) = operator::holder(cluster, &key) else {
        return Course::over();
    };
    let granted = ctl(cluster, &["lease", "grant", "5"])
        .stdout(Stdio::piped())
        .output();
    let granted = String::from_utf8_lossy(&granted.expect("etcdctl").stdout).into_owned();
    // `lease ID granted with TTL(5s)`
    let lease = granted.split(' ').nth(1).filter(|_| nemesis.below(2) == 0);
    let mut put = ctl(cluster, &["put", &own, "somebody else"]);
    put.args(lease.map(|id| format!("--lease={id}")));
    put.status().expect("etcdctl");
    Course::over().then(nemesis.longest_ttl(), move |_, cluster: &mut Cluster| {
        ctl(cluster, &["del", &own]).status().expect("etcdctl");
    })
}

fn ctl(cluster: &Cluster, args: &[&str]) -> Command {
    let mut command = cluster.ctl_command(args);
    command.arg("--command-timeout=2s");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}
