//! What the store wants of a login changes while locks are held and waited for: each call and stream
//! meets it by logging in anew, or not at all.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Run, Store, genlock, output, poll};
use crate::sections::{Manners, Sections};
use crate::support::etcd::Server;
use crate::{TTL, WITH_TTL, together};

/// What happens to the logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Disabled,
    Enabled,
    /// More than once, so that some call finds each.
    ToAndFro,
    RoleGivenBack,
}

impl Change {
    fn happen(self, server: &Server) {
        let auth = |what| {
            server.ctl(&["auth", what]);
        };
        let role = ["locks", "--prefix=true"];
        match self {
            Self::Disabled => auth("disable"),
            Self::Enabled => auth("enable"),
            Self::ToAndFro => {
                for _ in 0..5 {
                    auth("disable");
                    sleep(Duration::from_millis(300));
                    auth("enable");
                    sleep(Duration::from_millis(300));
                }
            }
            Self::RoleGivenBack => {
                server.ctl(&[&["role", "revoke-permission"], &role[..], &["/locks/"]].concat());
                sleep(Duration::from_millis(500));
                let grant = [&["role", "grant-permission"], &role[..]].concat();
                server.ctl(&[&grant[..], &["readwrite", "/locks/"]].concat());
            }
        }
    }
}

fn logged_in(mut command: Command) -> Command {
    command.env("GENLOCK_USER", "app:secret");
    command
}

/// How many have been asked for.
fn watches(server: &Server) -> u64 {
    let requests = server.requests().into_iter();
    let watches = requests.filter(|(method, _)| method == "Watch");
    watches.map(|(_, count)| count).sum()
}

#[test]
fn no_change_of_logins_loses_a_lock_or_a_place() {
    let cases = [
        Change::Disabled,
        Change::Enabled,
        Change::ToAndFro,
        Change::RoleGivenBack,
    ];
    together(cases, |change| {
        let mut server = Server::start();
        server.enable_auth();
        if change == Change::Enabled {
            server.ctl(&["auth", "disable"]);
        }
        let store = Store::at(server.endpoint());
        let log = Sections::new(store.directory());
        let beats = format!("exec {}", log.beats("holder", Manners::Polite));
        let holder = Run::start(logged_in(store.sh(&WITH_TTL, &beats)));
        holder.ready();
        let beats = log.beats_for("waiter", Duration::from_millis(50));
        let waiter = Run::start(logged_in(store.sh(&WITH_TTL, &beats)));
        waiter.complains("waiting for");
        let verb = |name| {
            let mut command = genlock();
            command.args([name, "--endpoints", &store.endpoints, &store.key]);
            logged_in(command)
        };
        // Their first requests are answered: what they go on by is a watch.
        let watching = |name| {
            let before = watches(&server);
            let run = Run::start(verb(name));
            poll("its watch", || watches(&server) > before);
            run
        };
        // Those of holder and waiter begin a while after the lock is held and waited for.
        poll("their watches", || watches(&server) >= 2);
        let (watch, wait) = (watching("watch"), watching("wait"));
        change.happen(&server);
        // Every renewal since then has met it.
        sleep(TTL + TTL / 4);
        assert_eq!(log.of("holder").told, None, "{change:?}");
        assert_eq!(output(verb("status")).status.code(), Some(0), "{change:?}");
        holder.signal(Signal::TERM);
        holder.finish().silent(0);
        let waiter = waiter.finish();
        assert_eq!(waiter.status.code(), Some(0), "{change:?}: {waiter:?}");
        assert!(!waiter.stderr.contains("lost"), "{change:?}: {waiter:?}");
        watch.says_times("released", 2);
        wait.finish().silent(0);
        log.check(2);
    });
}
