//! How an etcd is set up, and what it is started with.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::super::certificates::{Keys, Shows};
use super::free_port;

/// How an etcd is set up.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Serves TLS, and wants certificates of its clients.
    pub(crate) tls: bool,
    /// Of what kind its keys are then, and what it shows of them.
    pub(crate) keys: Keys,
    pub(crate) shows: Shows,
    /// Listens on a socket in its directory too.
    pub(crate) unix: bool,
    /// How many seconds a login is good for; 0 is etcd's own 300.
    pub(crate) token_ttl: u32,
    /// After so many milliseconds without a leader another is elected; 0 is 200.
    pub(crate) election: u32,
    /// How many bytes its data may have; 0 is etcd's own 2 GB.
    pub(crate) quota: u32,
    /// How many streams a connection may have; 0 is etcd's own, which is no bound.
    pub(crate) streams: u32,
}

/// Where a member is.
#[derive(Clone)]
pub(crate) struct Site {
    /// HOST:PORT for clients, and for the other members.
    pub(crate) client: String,
    pub(crate) peer: String,
    /// What etcd is started with, and what an etcdctl, to be in the right network.
    pub(crate) inside: Vec<String>,
    pub(crate) outside: Vec<String>,
}

impl Site {
    pub(super) fn on_loopback() -> Self {
        let address = || format!("127.0.0.1:{}", free_port());
        Self {
            client: address(),
            peer: address(),
            inside: Vec::new(),
            outside: Vec::new(),
        }
    }
}

/// `etcd` or `etcdctl` behind what puts it in the right network; another binary than the one on
/// the path if $ETCD or $ETCDCTL names it.
pub(super) fn program(prefix: &[String], name: &str) -> Command {
    let named = std::env::var(name.to_uppercase()).ok();
    let binary = named.as_deref().filter(|path| !path.is_empty());
    let prefix = prefix.iter().map(String::as_str);
    let mut words = prefix.chain([binary.unwrap_or(name)]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    command
}

/// Starts the member of this number, in its directory.
pub(super) fn spawn(dir: &Path, setup: Setup, sites: &[Site], number: usize) -> Child {
    let mut command = program(&sites[number].inside, "etcd");
    command
        .args(of_setup(setup))
        .args(of_sites(dir, setup, sites, number));
    command.args(["--data-dir=data", "--logger=zap", "--log-level=warn"]);
    // What passwords are hashed with takes a tenth of a second else.
    command.arg("--bcrypt-cost=4");
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"));
    let log = log.expect("a log");
    command.current_dir(dir).stdin(Stdio::null());
    command.stdout(log.try_clone().expect("a log")).stderr(log);
    command.spawn().expect("etcd (Debian: etcd-server)")
}

/// Its options for what it shows and bounds.
fn of_setup(setup: Setup) -> Vec<String> {
    let shown = match setup.shows {
        _ if !setup.tls => &[][..],
        Shows::Signed => &[
            "--client-cert-auth",
            "--trusted-ca-file=ca.pem",
            "--cert-file=server.pem",
            "--key-file=server.key",
        ],
        Shows::SelfSigned => &["--cert-file=self.pem", "--key-file=self.key"],
        Shows::Old => &["--cert-file=old.pem", "--key-file=old.key"],
        Shows::Automatic => &["--auto-tls"],
    };
    let mut options: Vec<String> = shown.iter().map(|&option| option.to_owned()).collect();
    for (name, value) in [
        ("auth-token-ttl", setup.token_ttl),
        ("max-concurrent-streams", setup.streams),
        ("quota-backend-bytes", setup.quota),
    ] {
        if value > 0 {
            options.push(format!("--{name}={value}"));
        }
    }
    // A short election makes for a short start; the TTL that etcd grants at least is then 1 s.
    let election = if setup.election > 0 {
        setup.election
    } else {
        200
    };
    options.push(format!("--election-timeout={election}"));
    options.push(format!("--heartbeat-interval={}", election / 10));
    options
}

/// Its options for where it is, and where the other members are.
fn of_sites(dir: &Path, setup: Setup, sites: &[Site], number: usize) -> Vec<String> {
    let scheme = if setup.tls { "https" } else { "http" };
    let site = &sites[number];
    let address = format!("{scheme}://{}", site.client);
    let mut clients = address.clone();
    if setup.unix {
        // etcd wants the form HOST:PORT here too, and makes a file of that name where it runs.
        let socket = dir.join("etcd.sock:0");
        let _ = std::fs::remove_file(&socket);
        clients += ",unix://etcd.sock:0";
    }
    let members = sites.iter().enumerate();
    let members = members.map(|(number, site)| format!("m{number}=http://{}", site.peer));
    let members = members.collect::<Vec<_>>().join(",");
    let peer = format!("http://{}", site.peer);
    vec![
        format!("--name=m{number}"),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={address}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster={members}"),
    ]
}
