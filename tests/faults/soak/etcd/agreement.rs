//! Whether the members of an etcd keep one state: if not, no lock over them can be right, and it is no fault of
//! genlock's (etcd-io/etcd#12535, #13766).
//!
//! Writes go on meanwhile. So what is compared is the state at one revision that each member has reached.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::etcd::Server;

/// How long a member may take to have what the others have, once all serve.
const CATCH_UP: Duration = Duration::from_secs(60);

/// How often hashes are compared that differ: members that compact may give other ones for a while.
const TRIES: usize = 5;

const PAUSE: Duration = Duration::from_millis(500);

/// A member is short of a revision for good if it is found so, so often in a row.
const SHORT: usize = 3;

/// How far a member is.
#[derive(Clone, Copy)]
struct Progress {
    revision: u64,
    /// Up to which entry of the log it has applied all. It is not read at the same moment.
    applied: u64,
}

/// What a member has at a revision.
#[derive(Debug, PartialEq, Eq)]
struct Hash {
    hash: u64,
    compacted: i64,
}

/// Whether they do, at which revision; `None` if one of them does not answer, or is not so far yet. Or how they
/// differ.
pub(super) fn agree(members: &[Server]) -> Result<Option<u64>, String> {
    let mut differ = String::new();
    for _ in 0..TRIES {
        let Some(revision) = reached(members)? else {
            return Ok(None);
        };
        let hashes = members.iter().map(|member| Hash::of(member, revision));
        let Some(hashes) = hashes.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        if is_one(&hashes) {
            return Ok(Some(revision));
        }
        // One that has not compacted yet has more to hash.
        if is_one(&hashes.iter().map(|hash| hash.compacted).collect::<Vec<_>>()) {
            differ = format!(
                "at revision {revision}: {hashes:?}, {}",
                keys(members, revision)
            );
        }
        sleep(2 * PAUSE);
    }
    match differ.is_empty() {
        true => Ok(None),
        false => Err(differ),
    }
}

/// A revision that each of them has. A member that has applied all that another one had applied, and has not
/// its revision, never will.
fn reached(members: &[Server]) -> Result<Option<u64>, String> {
    let all = || -> Option<Vec<Progress>> { members.iter().map(Progress::of).collect() };
    let Some(wanted) = all().and_then(|all| all.iter().map(|one| one.revision).max()) else {
        return Ok(None);
    };
    let (mut applied, mut short) = (u64::MAX, 0);
    let start = Instant::now();
    while start.elapsed() < CATCH_UP {
        let Some(all) = all() else {
            return Ok(None);
        };
        let (far, behind): (Vec<&Progress>, Vec<&Progress>) =
            all.iter().partition(|one| one.revision >= wanted);
        if behind.is_empty() {
            return Ok(Some(wanted));
        }
        let is_short = behind.iter().any(|one| one.applied >= applied);
        short = if is_short { short + 1 } else { 0 };
        if short == SHORT {
            let all = all
                .iter()
                .map(|one| format!("{} with {}", one.revision, one.applied));
            let all: Vec<_> = all.collect();
            return Err(format!(
                "revisions with all applied up to: {}",
                all.join(", ")
            ));
        }
        let far = far.iter().map(|one| one.applied).max();
        applied = far.unwrap_or(u64::MAX);
        sleep(PAUSE);
    }
    Ok(None)
}

fn is_one<T: PartialEq>(all: &[T]) -> bool {
    all.windows(2).all(|two| two[0] == two[1])
}

impl Progress {
    fn of(member: &Server) -> Option<Self> {
        let status = &asked(member, &["endpoint", "status"])?[0]["Status"];
        Some(Self {
            revision: status["header"]["revision"].as_u64()?,
            applied: status["raftAppliedIndex"].as_u64()?,
        })
    }
}

impl Hash {
    fn of(member: &Server, revision: u64) -> Option<Self> {
        let at = format!("--rev={revision}");
        let hash = &asked(member, &["endpoint", "hashkv", &at])?[0]["HashKV"];
        Some(Self {
            hash: hash["hash"].as_u64()?,
            compacted: hash["compact_revision"].as_i64()?,
        })
    }
}

/// How their keys differ at a revision.
fn keys(members: &[Server], revision: u64) -> String {
    let at = format!("--rev={revision}");
    let get = ["get", "", "--prefix", "--consistency=s", &at];
    let all = members
        .iter()
        .map(|member| Some(asked(member, &get)?["kvs"].take()));
    let Some(all) = all.collect::<Option<Vec<Value>>>() else {
        return "with keys that are not known".to_owned();
    };
    if is_one(&all) {
        return "with the same keys".to_owned();
    }
    let all = all.iter().enumerate().map(|(number, keys)| {
        let others = all.iter().filter(|other| *other != keys);
        let others = others.flat_map(|other| other.as_array()).flatten();
        let others: Vec<&Value> = others.collect();
        let mut own = keys.as_array().into_iter().flatten();
        let first = own.find(|key| !others.contains(key));
        format!(
            "member {number} alone has {}",
            first.unwrap_or(&Value::Null)
        )
    });
    all.collect::<Vec<_>>().join(", ")
}

fn asked(member: &Server, args: &[&str]) -> Option<Value> {
    let mut command = member.ctl_command(args);
    command.args(["--write-out=json", "--command-timeout=5s"]);
    serde_json::from_slice(&command.output().expect("etcdctl").stdout).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two that know nothing of each other, which therefore need not agree.
    fn two() -> [Server; 2] {
        [Server::start(), Server::start()]
    }

    #[test]
    fn who_has_written_the_same_agrees() {
        let mut two = two();
        for one in &two {
            one.ctl(&["put", "a", "1"]);
            one.ctl(&["put", "a", "2"]);
        }
        assert_eq!(agree(&two), Ok(Some(3)));
        for one in &two {
            one.ctl(&["del", "a"]);
            one.ctl(&["compact", "4"]);
        }
        assert_eq!(agree(&two), Ok(None), "nothing is there to be compared");
        for one in &two {
            one.ctl(&["put", "b", "1"]);
        }
        assert_eq!(agree(&two), Ok(Some(5)));
        two[1].kill();
        assert_eq!(agree(&two), Ok(None));
    }

    #[test]
    fn other_data_are_a_difference() {
        let two = two();
        two[0].ctl(&["put", "a", "1"]);
        two[1].ctl(&["put", "b", "1"]);
        let found = agree(&two).expect_err("a difference");
        assert!(found.starts_with("at revision 2: [Hash {"), "{found}");
        assert!(
            found.contains(r#"member 1 alone has {"create_revision":2,"key":"Yg==""#),
            "{found}"
        );
    }

    #[test]
    fn a_write_that_one_has_not_is_a_difference() {
        let two = two();
        two[0].ctl(&["put", "a", "1"]);
        two[0].ctl(&["put", "a", "2"]);
        two[1].ctl(&["put", "a", "1"]);
        // It fails, and is an entry of the log all the same.
        two[1].ctl(&["del", "b"]);
        let found = agree(&two).expect_err("a difference");
        let wanted = "revisions with all applied up to: 3 with ";
        assert!(found.starts_with(wanted), "{found}");
    }
}
