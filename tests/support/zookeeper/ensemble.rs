//! Three ZooKeepers that are one. The first is a follower, which reaches the leader through what can be
//! held up.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::etcd::free_port;
use super::ZkServer;

/// The first is a follower, and the last leads.
pub(crate) struct ZkEnsemble {
    pub(crate) servers: Vec<ZkServer>,
}

/// What the leader listens at for followers.
pub(crate) struct Quorum {
    ports: Vec<(u16, u16)>,
}

impl Quorum {
    pub(crate) fn new() -> Self {
        let ports = (0..3).map(|_| (free_port(), free_port()));
        Self {
            ports: ports.collect(),
        }
    }

    pub(crate) fn of_the_leader(&self) -> String {
        format!("127.0.0.1:{}", self.ports[2].0)
    }

    /// Where each server listens for the others: at one port for followers, at the other for elections.
    pub(crate) fn ports(&self) -> &[(u16, u16)] {
        &self.ports
    }

    /// Starts the three; the first reaches the leader at this port.
    pub(crate) fn start(&self, relay: u16) -> ZkEnsemble {
        self.start_with("initLimit=20\nsyncLimit=30\n", |number, other| {
            let (quorum, election) = self.ports[other];
            let relayed = number == 0 && other == 2;
            (if relayed { relay } else { quorum }, election)
        })
    }

    /// Starts the three with these lines of their configuration; each reaches each other one at these ports.
    pub(crate) fn start_with(
        &self,
        lines: &str,
        ports: impl Fn(usize, usize) -> (u16, u16),
    ) -> ZkEnsemble {
        // Of those that know equally much the one with the highest number leads: the last, if the first
        // comes when there is a majority already.
        let member = |number: usize| {
            let mut lines = lines.to_owned();
            for other in 0..3 {
                let (quorum, election) = ports(number, other);
                let line = format!("server.{}=127.0.0.1:{quorum}:{election}\n", other + 1);
                lines.push_str(&line);
            }
            ZkServer::spawn(free_port(), 1000, &lines, Some(number + 1))
        };
        let (last, second) = (member(2), member(1));
        serves_as(&last, "leader");
        serves_as(&second, "follower");
        let first = member(0);
        serves_as(&first, "follower");
        ZkEnsemble {
            servers: vec![first, second, last],
        }
    }
}

fn serves_as(server: &ZkServer, role: &str) {
    let start = Instant::now();
    while !server.is(role) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{}",
            server.log()
        );
        sleep(Duration::from_millis(50));
    }
}
