//! Hosts in network namespaces of their own, around a router in one of its own. Nothing that they
//! send can leave them: no namespace is joined to the machine's own network.
//!
//! A namespace lives as long as a process in it, a `cat` on a pipe of ours: whichever way the test
//! ends, nothing is left. It takes root.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// Hosts that reach each other, until they are cut.
pub(crate) struct Network {
    router: Namespace,
    hosts: Vec<Namespace>,
    cuts: BTreeSet<(usize, usize)>,
}

impl Network {
    /// So many hosts; or why this machine cannot have them.
    pub(crate) fn new(hosts: usize) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces take root".to_owned());
        }
        let router = Namespace::new()?;
        router.ip("link set lo up\n")?;
        router.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")?;
        let hosts: Result<Vec<_>, _> = (0..hosts).map(|_| Namespace::new()).collect();
        let hosts = hosts?;
        for (number, host) in hosts.iter().enumerate() {
            let (pid, link) = (host.keeper.id(), format!("host{number}"));
            router.ip(&format!(
                "link add {link} type veth peer name eth0 netns {pid}\n\
                 addr add 10.77.{number}.1/24 dev {link}\n\
                 link set {link} up\n"
            ))?;
            host.ip(&format!(
                "link set lo up\n\
                 addr add {}/24 dev eth0\n",
                address(number)
            ))?;
        }
        let network = Self {
            router,
            hosts,
            cuts: BTreeSet::new(),
        };
        for host in 0..network.hosts.len() {
            network.raise(host)?;
        }
        // Whether this kernel can cut as we do.
        network.router.ip("rule add from 10.77.255.1 blackhole\n\
             rule del from 10.77.255.1 blackhole\n")?;
        Ok(network)
    }

    /// What a command is put behind to run on this host.
    pub(crate) fn on(&self, host: usize) -> Vec<String> {
        self.hosts[host].entry()
    }

    /// The same for the router, which reaches every host whatever is cut.
    pub(crate) fn on_router(&self) -> Vec<String> {
        self.router.entry()
    }

    /// Drops, without a word to either, what one host sends to the other, from now on.
    pub(crate) fn drop_packets(&mut self, from: usize, to: usize) {
        if self.cuts.insert((from, to)) {
            self.rule("add", from, to);
        }
    }

    /// Drops what they send to each other.
    pub(crate) fn cut(&mut self, one: usize, other: usize) {
        self.drop_packets(one, other);
        self.drop_packets(other, one);
    }

    /// Cuts a host off all others.
    pub(crate) fn isolate(&mut self, host: usize) {
        for other in (0..self.hosts.len()).filter(|&other| other != host) {
            self.cut(host, other);
        }
    }

    /// Undoes every cut.
    pub(crate) fn heal(&mut self) {
        for (from, to) in std::mem::take(&mut self.cuts) {
            self.rule("del", from, to);
        }
    }

    /// Takes a host's own link down: what it sends fails at once.
    pub(crate) fn link_down(&self, host: usize) {
        done(self.hosts[host].ip("link set eth0 down\n"));
    }

    pub(crate) fn link_up(&self, host: usize) {
        done(self.raise(host));
    }

    /// Loses so many packets of a hundred, to and from this host. Or says why this kernel cannot.
    pub(crate) fn lose_packets(&self, host: usize, percent: u32) -> Result<(), String> {
        let host = address(host);
        let drop = format!("numgen random mod 100 < {percent} drop");
        let rules = format!(
            "add table ip lossy\n\
             add chain ip lossy forward {{ type filter hook forward priority 0; }}\n\
             add rule ip lossy forward ip saddr {host} {drop}\n\
             add rule ip lossy forward ip daddr {host} {drop}\n"
        );
        self.router.command(&["nft", "-f", "-"], &rules)
    }

    /// The same for none any more.
    pub(crate) fn lose_no_packets(&self) {
        // Nothing if none were lost.
        let _ = self
            .router
            .command(&["nft", "-f", "-"], "delete table ip lossy\n");
    }

    /// Answers whatever a host sends, and is sent, with a reset (RST).
    pub(crate) fn reset_connections(&self, host: usize) {
        let host = address(host);
        let reset = "meta l4proto tcp reject with tcp reset";
        let rules = format!(
            "add table ip resetting\n\
             add chain ip resetting forward {{ type filter hook forward priority 0; }}\n\
             add rule ip resetting forward ip saddr {host} {reset}\n\
             add rule ip resetting forward ip daddr {host} {reset}\n"
        );
        done(self.router.command(&["nft", "-f", "-"], &rules));
    }

    /// Passes it again.
    pub(crate) fn reset_no_connections(&self) {
        let rules = "delete table ip resetting\n";
        done(self.router.command(&["nft", "-f", "-"], rules));
    }

    /// Brings up a host's link, and the route that it lost with it.
    fn raise(&self, host: usize) -> Result<(), String> {
        self.hosts[host].ip(&format!(
            "link set eth0 up\n\
             route replace default via 10.77.{host}.1\n"
        ))
    }

    fn rule(&self, verb: &str, from: usize, to: usize) {
        let (from, to) = (address(from), address(to));
        done(
            self.router
                .ip(&format!("rule {verb} from {from} to {to} blackhole\n")),
        );
    }
}

/// A host's own.
pub(crate) fn address(host: usize) -> String {
    format!("10.77.{host}.2")
}

#[track_caller]
fn done(result: Result<(), String>) {
    if let Err(why) = result {
        panic!("the test's network: {why}");
    }
}

/// A network namespace.
struct Namespace {
    /// It ends with our end of its stdin.
    keeper: Child,
}

impl Namespace {
    fn new() -> Result<Self, String> {
        let mut keeper = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        // A line says that it is in its namespace.
        let mut line = String::new();
        let stdout = keeper.stdout.as_mut().expect("a pipe");
        let read = BufReader::new(stdout).read_line(&mut line);
        if read.unwrap_or(0) == 0 {
            let output = keeper.wait_with_output().expect("an end");
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        Ok(Self { keeper })
    }

    fn entry(&self) -> Vec<String> {
        let namespace = format!("--net=/proc/{}/ns/net", self.keeper.id());
        vec!["nsenter".to_owned(), namespace]
    }

    /// Runs a batch of ip(8).
    fn ip(&self, batch: &str) -> Result<(), String> {
        self.command(&["ip", "-batch", "-"], batch)
    }

    fn sh(&self, script: &str) -> Result<(), String> {
        self.command(&["sh", "-c", script], "")
    }

    fn command(&self, args: &[&str], input: &str) -> Result<(), String> {
        let entry = self.entry();
        let mut child = Command::new(&entry[0])
            .args(&entry[1..])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("nsenter: {error}"))?;
        let mut stdin = child.stdin.take().expect("a pipe");
        // Who does not read it says why.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("an end");
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {}", args.join(" "), why.trim()))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
