//! The ways of a few hosts to the servers of a store: each can be cut off, be slow, lose what is sent, and
//! break its connections.

use std::process::Command;
use std::time::Duration;

use super::HOSTS;
use super::clock;
use super::nemesis::{Course, Fault, Nemesis, On};
use crate::genlock::genlock;
use crate::proxy::{Proxy, Way};
use crate::support::cluster::mortal;

pub(super) struct Links {
    /// Of each host to each server.
    of_hosts: Vec<Vec<Proxy>>,
}

/// Servers that hosts reach over their links.
pub(super) trait Linked {
    fn links(&self) -> &Links;
}

const BOTH: &[Way] = &[Way::Requests, Way::Answers];

impl Links {
    /// To the servers at these HOST:PORT.
    pub(super) fn to(servers: &[String]) -> Self {
        let before = |server: &String| Proxy::before(&format!("http://{server}"));
        let of_hosts = (0..HOSTS).map(|_| servers.iter().map(before).collect());
        Self {
            of_hosts: of_hosts.collect(),
        }
    }

    /// This verb from this host to what is at these HOST:PORT of it, by the store's scheme and path.
    pub(super) fn genlock(
        &self,
        host: usize,
        verb: &str,
        endpoint: impl Fn(&str) -> String,
    ) -> Command {
        let servers = self.of_hosts[host].iter();
        let servers: Vec<_> = servers
            .map(|link| format!("127.0.0.1:{}", link.port()))
            .collect();
        let mut genlock = genlock();
        genlock.args([verb, "--endpoints", &endpoint(&servers.join(","))]);
        mortal(&genlock)
    }

    /// Has the ways of all hosts to their first server lead to this one, and breaks them.
    pub(super) fn lead_to(&self, server: &str) {
        for links in &self.of_hosts {
            links[0].lead_to(server);
            links[0].break_off();
        }
    }
}

/// What can happen on the way to a server.
pub(super) fn faults<T: Linked>() -> Vec<Fault<T>> {
    vec![
        Fault::new("host cut off", On::Way, |nemesis, server| {
            let host = nemesis.host();
            hold(server, host, BOTH);
            release_later(host, nemesis.time(500, 5000))
        }),
        Fault::new("answers held up", On::Way, |nemesis, server| {
            let host = nemesis.host();
            hold(server, host, &[Way::Answers]);
            release_later(host, nemesis.time(500, 5000))
        }),
        Fault::new("answers late", On::Way, |nemesis, server| {
            late(nemesis, server, &[Way::Answers])
        }),
        Fault::new("way slow", On::Way, |nemesis, server| {
            late(nemesis, server, BOTH)
        }),
        Fault::new("packets lost", On::Way, lose),
        Fault::new("wall clock stepped", On::Runs, clock::step),
        Fault::new("connections broken", On::Way, |nemesis, server: &mut T| {
            let host = nemesis.host();
            each(server, host, Proxy::break_off);
            Course::over()
        }),
        Fault::new("connections reset on and on", On::Way, reset),
    ]
}

/// Of a store of several servers: the next one has to do.
pub(super) fn cut_off_one<T: Linked>(nemesis: &mut Nemesis, server: &mut T) -> Course<T> {
    let host = nemesis.host();
    let links = &server.links().of_hosts[host];
    let one = nemesis.below(links.len());
    links[one].cut();
    Course::over().then(nemesis.time(500, 5000), move |_, server: &mut T| {
        server.links().of_hosts[host][one].mend();
    })
}

fn each<T: Linked>(server: &mut T, host: usize, so: impl Fn(&Proxy)) {
    server.links().of_hosts[host].iter().for_each(so);
}

fn hold<T: Linked>(server: &mut T, host: usize, ways: &[Way]) {
    each(server, host, |link| {
        ways.iter().for_each(|&way| link.hold(way))
    });
}

fn release<T: Linked>(server: &mut T, host: usize) {
    each(server, host, |link| {
        BOTH.iter().for_each(|&way| link.release(way))
    });
}

fn release_later<T: Linked>(host: usize, after: Duration) -> Course<T> {
    Course::over().then(after, move |_, server| release(server, host))
}

/// Some tenths of a short TTL, or nearly all of it.
fn late<T: Linked>(nemesis: &mut Nemesis, server: &mut T, ways: &[Way]) -> Course<T> {
    let (host, time) = (nemesis.host(), nemesis.time(100, 2500));
    each(server, host, |link| {
        ways.iter().for_each(|&way| link.delay(way, time));
    });
    release_later(host, nemesis.time(2000, 8000))
}

/// As TCP shows it: it goes on when the packet is sent again, each time twice as long afterwards.
fn lose<T: Linked>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let host = nemesis.host();
    let mut course = Course::over();
    for _ in 0..5 + nemesis.below(10) {
        let lost = Duration::from_millis(200 << nemesis.below(3));
        course = course
            .then(nemesis.time(1, 400), move |_, server| {
                hold(server, host, BOTH)
            })
            .then(lost, move |_, server| release(server, host));
    }
    course
}

fn reset<T: Linked>(nemesis: &mut Nemesis, _: &mut T) -> Course<T> {
    let mut course = Course::over();
    for _ in 0..5 + nemesis.below(25) {
        let after = nemesis.time(10, 300);
        course = course.then(after, |nemesis: &mut Nemesis, server: &mut T| {
            let host = nemesis.host();
            each(server, host, Proxy::reset);
        });
    }
    course
}
