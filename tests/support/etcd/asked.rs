//! What an etcd says when it is asked, by `etcdctl` and as metrics.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::super::certificates::Shows;
use super::Server;
use super::start::program;

impl Server {
    /// An `etcdctl` that speaks to it.
    pub(crate) fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.site().outside, "etcdctl");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ETCDCTL_") {
                command.env_remove(name);
            }
        }
        command.env("ETCDCTL_API", "3");
        command.arg("--endpoints").arg(self.endpoint());
        if self.setup.tls {
            if self.setup.shows == Shows::Signed {
                command.arg("--cacert").arg(self.file("ca.pem"));
            } else {
                command.arg("--insecure-skip-tls-verify");
            }
            command.arg("--cert").arg(self.file("client.pem"));
            command.arg("--key").arg(self.file("client.key"));
        }
        if let Some(user) = self.user {
            command.arg("--user").arg(user);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// What `etcdctl` prints; it has to succeed.
    pub(crate) fn ctl(&self, args: &[&str]) -> String {
        let output = self.ctl_command(args).output().expect("etcdctl");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {args:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Every key, the oldest first.
    pub(crate) fn keys(&self) -> Vec<String> {
        let printed = self.ctl(&["get", "", "--prefix", "--keys-only", "--sort-by=CREATE"]);
        printed
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Every lease, in hex.
    pub(crate) fn leases(&self) -> Vec<String> {
        let printed = self.ctl(&["lease", "list"]);
        printed.lines().skip(1).map(str::to_owned).collect()
    }

    /// Whether it serves now.
    pub(crate) fn is_healthy(&self) -> bool {
        let health = ["endpoint", "health", "--command-timeout=1s"];
        let health = self.ctl_command(&health).output().expect("etcdctl");
        health.status.success()
    }

    /// How many requests of each method it has received, such as `Txn` or `LeaseGrant`: of a stream
    /// each message is one.
    pub(crate) fn requests(&self) -> Vec<(String, u64)> {
        let answer = self.metrics();
        let lines = answer.lines().filter_map(|line| {
            let line = line.strip_prefix("grpc_server_msg_received_total{grpc_method=\"")?;
            let (method, rest) = line.split_once('"')?;
            let count: u64 = rest.rsplit(' ').next()?.parse().ok()?;
            (count > 0).then(|| (method.to_owned(), count))
        });
        lines.collect()
    }

    /// What has been asked since `before`, by method.
    pub(crate) fn requests_since(&self, before: &[(String, u64)]) -> BTreeMap<String, u64> {
        let before: BTreeMap<_, _> = before.iter().cloned().collect();
        let now = self.requests().into_iter();
        now.map(|(method, count)| {
            let earlier = before.get(&method).copied().unwrap_or(0);
            (method, count - earlier)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
    }

    /// How many watches there are.
    pub(crate) fn watches(&self) -> u64 {
        let answer = self.metrics();
        let name = "etcd_debugging_mvcc_watcher_total ";
        let count = answer.lines().find_map(|line| line.strip_prefix(name));
        count.expect("a count").parse().expect("a number")
    }

    fn metrics(&self) -> String {
        // The socket in its directory speaks in clear, whatever the port does.
        if self.setup.unix {
            let stream = UnixStream::connect(self.file("etcd.sock:0"));
            return metrics_over(stream.expect("etcd"));
        }
        metrics_over(TcpStream::connect(&self.site().client).expect("etcd"))
    }
}

fn metrics_over(mut stream: impl Read + Write) -> String {
    let request = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("metrics");
    answer
}
