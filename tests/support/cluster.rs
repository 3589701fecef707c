//! A cluster of three etcds and hosts that use it. As root, where the kernel allows it, each of
//! them is in a network namespace of its own and can be cut off; else the members are on loopback.

use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::etcd::{Server, Setup, Site};
use super::network::{Network, address};

/// How many members.
pub(crate) const MEMBERS: usize = 3;

/// A leader that is not heard of for so long is replaced. Half of what etcd does by default: with
/// that, an election that begins just before a renewal can take as long as a TTL of 5 s allows.
const ELECTION: u32 = 500;

/// What is started behind this is killed when the thread that started it ends.
const MORTAL: &str = "setpriv --pdeathsig KILL";

/// The command, which dies with the thread that starts it, as the members of a cluster do: not even a
/// test that is killed leaves anything.
pub(crate) fn mortal(command: &Command) -> Command {
    under(&words(MORTAL), command)
}

/// How long a cluster may take to be whole again on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The cluster, and the hosts beside it.
pub(crate) struct Cluster {
    /// Before the network: what runs in it ends first.
    servers: Vec<Server>,
    network: Option<Network>,
}

impl Cluster {
    /// A cluster and so many hosts that use it, in namespaces if that can be.
    pub(crate) fn start(hosts: usize) -> Self {
        match Network::new(MEMBERS + hosts) {
            Ok(network) => Self::within(network),
            Err(why) => {
                say(&format!("on loopback: {why}"));
                Self {
                    servers: Server::members(MEMBERS, setup()),
                    network: None,
                }
            }
        }
    }

    /// The same, for what needs namespaces: without, it says why and gives nothing.
    pub(crate) fn with_network(hosts: usize) -> Option<Self> {
        match Network::new(MEMBERS + hosts) {
            Ok(network) => Some(Self::within(network)),
            Err(why) => {
                say(&format!("skipped: {why}"));
                None
            }
        }
    }

    fn within(network: Network) -> Self {
        let sites: Vec<Site> = (0..MEMBERS)
            .map(|member| {
                let mut inside = words(MORTAL);
                inside.extend(network.on(member));
                Site {
                    client: format!("{}:2379", address(member)),
                    peer: format!("{}:2380", address(member)),
                    inside,
                    outside: network.on_router(),
                }
            })
            .collect();
        let servers = Server::at(&sites, setup()).unwrap_or_else(|logs| panic!("{logs}"));
        Self {
            servers,
            network: Some(network),
        }
    }

    pub(crate) fn member(&mut self, number: usize) -> &mut Server {
        &mut self.servers[number]
    }

    pub(crate) fn members(&self) -> &[Server] {
        &self.servers
    }

    /// Every member, as `--endpoints` takes them.
    pub(crate) fn endpoints(&self) -> String {
        let endpoints: Vec<_> = self.servers.iter().map(Server::endpoint).collect();
        endpoints.join(",")
    }

    /// A command, on this host; as [`mortal`] makes it.
    pub(crate) fn on(&self, host: usize, command: &Command) -> Command {
        let mut prefix = words(MORTAL);
        if let Some(network) = &self.network {
            prefix.extend(network.on(MEMBERS + host));
        }
        under(&prefix, command)
    }

    /// The member that leads.
    pub(crate) fn leader(&self) -> usize {
        let mut found = None;
        poll("a leader", || {
            found = self.leads();
            found.is_some()
        });
        found.expect("a leader")
    }

    /// The same; `None` if nobody says so now.
    pub(crate) fn leads(&self) -> Option<usize> {
        let claims = self.servers.iter().enumerate().filter_map(|(number, one)| {
            let status = Status::of(one)?;
            (status.leader == status.member).then_some((status.term, number))
        });
        // One that is cut off may not know yet that it was replaced.
        claims.max().map(|(_, number)| number)
    }

    /// Makes this member lead.
    pub(crate) fn move_leader(&self, to: usize) {
        poll("a new leader", || self.try_move_leader(to));
    }

    /// The same; it may not be possible now.
    pub(crate) fn try_move_leader(&self, to: usize) -> bool {
        let (Some(leader), Some(status)) = (self.leads(), Status::of(&self.servers[to])) else {
            return false;
        };
        if leader == to {
            return true;
        }
        let id = format!("{:x}", status.member);
        let moved = self.servers[leader].ctl_command(&["move-leader", &id]);
        output(moved).status.success()
    }

    /// The members that a process on a host has connections to.
    pub(crate) fn asked_by(&self, pid: i32) -> Vec<usize> {
        let connections = fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("a process");
        let established = |member: usize| {
            // The address as the kernel's memory has it, the port as it is written.
            let to = format!("02{member:02X}4D0A:094B 01");
            connections.contains(&to)
        };
        (0..MEMBERS).filter(|&member| established(member)).collect()
    }

    /// Waits until every member that should serves.
    pub(crate) fn until_healthy(&self, members: &[usize]) {
        poll("healthy members", || {
            members
                .iter()
                .all(|&member| self.servers[member].is_healthy())
        });
    }

    /// Whether it is in namespaces and can be cut.
    pub(crate) fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// The network's namespaces.
    #[track_caller]
    pub(crate) fn network(&mut self) -> &mut Network {
        self.network.as_mut().expect("a network of its own")
    }

    /// Takes down the link of a host that uses the cluster: what it sends fails at once.
    pub(crate) fn link_down(&mut self, host: usize) {
        self.network().link_down(MEMBERS + host);
    }

    pub(crate) fn link_up(&mut self, host: usize) {
        self.network().link_up(MEMBERS + host);
    }

    /// Drops what the members send to this host: they hear it, but it hears nothing.
    pub(crate) fn cut_answers(&mut self, host: usize) {
        for member in 0..MEMBERS {
            self.network().drop_packets(member, MEMBERS + host);
        }
    }

    /// Loses so many packets of a hundred between this host and all others. False, with a word, if
    /// the kernel cannot.
    pub(crate) fn lose_packets(&mut self, host: usize, percent: u32) -> bool {
        let lost = self.network().lose_packets(MEMBERS + host, percent);
        if let Err(why) = &lost {
            say(&format!("skipped: {why}"));
        }
        lost.is_ok()
    }

    /// Cuts a member off the others, but not off its clients.
    pub(crate) fn cut_from_peers(&mut self, member: usize) {
        for other in (0..MEMBERS).filter(|&other| other != member) {
            self.network().cut(member, other);
        }
    }

    /// Cuts a host off every member, or off this one; packets are dropped.
    pub(crate) fn cut_off(&mut self, host: usize, from: &[usize]) {
        for &member in from {
            self.network().cut(MEMBERS + host, member);
        }
    }
}

/// What is asked of the cluster as such is asked of its first member.
impl Deref for Cluster {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.servers[0]
    }
}

fn setup() -> Setup {
    Setup {
        election: ELECTION,
        ..Setup::default()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The command behind these words, with its environment and directory.
fn under(prefix: &[String], command: &Command) -> Command {
    let mut all = prefix.iter().map(AsRef::as_ref).collect::<Vec<_>>();
    all.push(command.get_program());
    all.extend(command.get_args());
    let mut outer = Command::new(all[0]);
    outer.args(&all[1..]).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// What a member says of itself.
struct Status {
    member: u64,
    leader: u64,
    term: u64,
}

impl Status {
    /// `None` if it does not answer.
    fn of(server: &Server) -> Option<Self> {
        let args = [
            "endpoint",
            "status",
            "--command-timeout=1s",
            "--write-out=json",
        ];
        let printed = output(server.ctl_command(&args)).stdout;
        let all: serde_json::Value = serde_json::from_slice(&printed).ok()?;
        let status = &all[0]["Status"];
        Some(Self {
            member: status["header"]["member_id"].as_u64()?,
            leader: status["leader"].as_u64()?,
            term: status["raftTerm"].as_u64()?,
        })
    }
}

/// Past the capture of a test's output: what was not tested should be seen.
fn say(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "{test}: {what}");
}

fn output(mut command: Command) -> Output {
    command.output().expect("etcdctl")
}

#[track_caller]
fn poll(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(20));
    }
}
