//! A cluster of three etcds and a few hosts, which lose members, leaders and links.

mod agreement;
mod keys;
mod members;
mod ways;

use std::fs;
use std::path::Path;
use std::process::Command;

use super::asking::{Able, Sharing};
use super::clock;
use super::nemesis::{Fault, On};
use super::{HOSTS, Target};
use crate::cluster::nothing_is_left;
use crate::genlock::{bare, genlock};
use crate::support::cluster::{Cluster, MEMBERS};
use crate::support::server_process::OwnEnd;

/// What its locks can do.
pub(super) const ABLE: Able = Able {
    sharing: &Sharing::ALL,
    several: true,
    latest: true,
    in_order: true,
    lasts: |ttl| ttl,
    counts_anew: true,
};

const ALL: [usize; MEMBERS] = [0, 1, 2];

/// A key that is no lock's.
const PROBE: &str = "probe";

pub(super) fn cluster() -> Cluster {
    Cluster::start(HOSTS)
}

impl Target for Cluster {
    fn genlock(&self, host: usize, verb: &str) -> Command {
        let mut genlock = genlock();
        genlock.args([verb, "--endpoints", &self.endpoints()]);
        self.on(host, &genlock)
    }

    fn able(&self) -> Able {
        ABLE
    }

    fn faults(&self) -> Vec<Fault<Self>> {
        let mut faults = vec![
            Fault::new("member killed", On::Store, members::kill),
            Fault::new("all members killed", On::Store, members::kill_all),
            Fault::new(
                "members restarted in turn",
                On::Store,
                members::restart_in_turn,
            ),
            Fault::new("member frozen", On::All, members::freeze),
            Fault::new(
                "member frozen for a moment",
                On::Store,
                members::freeze_briefly,
            ),
            Fault::new("two members frozen for long", On::All, members::freeze_two),
            Fault::new("member stutters", On::Store, members::stutter),
            Fault::new("disk slow", On::Store, members::slow_disk),
            Fault::new("leader moved", On::Store, members::move_leader),
            Fault::new("leader moved on and on", On::Store, members::move_on_and_on),
            Fault::new("history compacted", On::Store, members::compact),
            Fault::new("wall clock stepped", On::Runs, clock::step),
            Fault::new("waiter deleted", On::Store, keys::delete_waiter),
            Fault::new("holder's key overwritten", On::Store, keys::overwrite),
        ];
        // Those that take namespaces.
        if self.has_network() {
            faults.extend(ways::faults());
        }
        faults
    }

    fn is_whole(&mut self) -> bool {
        ALL.iter().all(|&member| self.member(member).is_healthy())
    }

    fn revive(&mut self) -> Vec<(String, OwnEnd)> {
        let ends = ALL.into_iter().map(|member| {
            let end = self.member(member).revive()?;
            Some((format!("etcd member {member}"), end))
        });
        ends.flatten().collect()
    }

    fn agree(&mut self) -> Result<Option<u64>, String> {
        // Nothing can be compared at a revision up to which all was compacted.
        for args in [&["put", PROBE, ""][..], &["del", PROBE]] {
            let mut command = self.ctl_command(args);
            command
                .arg("--command-timeout=5s")
                .output()
                .expect("etcdctl");
        }
        let differ = |how| format!("etcd's members disagree: {how}");
        agreement::agree(self.members()).map_err(differ)
    }

    fn keep(&mut self, directory: &Path) {
        for member in ALL {
            let kept = directory.join(format!("etcd-member-{member}"));
            fs::create_dir_all(&kept).expect("a directory");
            let mut copy = bare("cp");
            copy.arg("-r");
            copy.args(["log", "data"].map(|name| self.member(member).file(name)));
            // What is not there any more is not kept.
            let _ = copy.arg(kept).output();
        }
    }

    fn nothing_is_left(&self, _: &[String]) {
        // When it was to be deleted nobody may have answered.
        self.ctl(&["del", PROBE]);
        nothing_is_left(self);
    }
}
