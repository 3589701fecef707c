//! The ways of a few hosts to one server: each can be cut off, and its connections break.

use std::process::Command;

use super::HOSTS;
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::genlock;
use crate::proxy::{Proxy, Way};
use crate::support::cluster::mortal;

pub(super) struct Links {
    of_hosts: Vec<Proxy>,
}

/// A server that hosts reach over their links.
pub(super) trait Linked {
    fn links(&self) -> &Links;
}

impl Links {
    pub(super) fn to(endpoint: &str) -> Self {
        let of_hosts = (0..HOSTS).map(|_| Proxy::before(endpoint));
        Self {
            of_hosts: of_hosts.collect(),
        }
    }

    /// `genlock run` from this host to what is at this port of it, by the server's scheme and path.
    pub(super) fn genlock_run(&self, host: usize, endpoint: impl Fn(u16) -> String) -> Command {
        let mut run = genlock();
        run.args(["run", "--endpoints", &endpoint(self.of_hosts[host].port())]);
        mortal(&run)
    }
}

/// What can happen on the way to a server.
pub(super) fn faults<T: Linked>() -> Vec<Fault<T>> {
    vec![
        Fault::new("host cut off", On::Way, |nemesis, server| {
            hold(nemesis, server, &[Way::Requests, Way::Answers])
        }),
        Fault::new("answers held up", On::Way, |nemesis, server| {
            hold(nemesis, server, &[Way::Answers])
        }),
        Fault::new("connections broken", On::Way, |nemesis, server: &mut T| {
            let host = nemesis.host();
            server.links().of_hosts[host].break_off();
            Course::over()
        }),
    ]
}

fn hold<T: Linked>(nemesis: &mut Nemesis, server: &mut T, ways: &'static [Way]) -> Course<T> {
    let host = nemesis.host();
    for &way in ways {
        server.links().of_hosts[host].hold(way);
    }
    Course::over().then(nemesis.time(500, 5000), move |_, server: &mut T| {
        for &way in ways {
            server.links().of_hosts[host].release(way);
        }
    })
}
