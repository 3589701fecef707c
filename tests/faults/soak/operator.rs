//! Who looks at locks from outside, and takes them away.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::nemesis::{Course, Nemesis};
use super::{HOSTS, Target};

/// What `genlock status` says of a lock; `None` if nobody answers.
fn status(target: &impl Target, host: usize, key: &str) -> Option<Value> {
    let mut status = target.genlock(host, "status");
    status.args(["--json", "--command-timeout", "2s", key]);
    let output = status.stdin(Stdio::null()).output().expect("a process");
    serde_json::from_slice(&output.stdout).ok()
}

/// What stands in the store for the one that holds this lock.
pub(super) fn holder(target: &impl Target, key: &str) -> Option<String> {
    let status = status(target, 0, key)?;
    Some(status["holder"]["owner_key"].as_str()?.to_owned())
}

/// What stands in the store for one that holds this lock alone, and for the last of those who wait.
pub(super) fn queue(target: &impl Target, key: &str) -> Option<(String, String)> {
    let status = status(target, 0, key)?;
    let last = status["waiters"].as_array()?.last()?;
    let alone = status["holder"]["mode"] == "exclusive";
    let owner_key = |of: &Value| Some(of["owner_key"].as_str()?.to_owned());
    alone.then(|| Some((owner_key(&status["holder"])?, owner_key(last)?)))?
}

/// Takes the lock away from its holder, who stops its command and lets go.
pub(super) fn break_lock<T: Target>(nemesis: &mut Nemesis, target: &mut T) -> Course<T> {
    let (key, host) = (nemesis.holder().key.clone(), nemesis.below(HOSTS));
    let token = status(target, host, &key).and_then(|status| status["holder"]["token"].as_u64());
    if let Some(token) = token {
        let mut end = target.genlock(host, "break");
        end.args(["--wait", "0", "--command-timeout", "2s", "--token"]);
        run(end.args([&token.to_string(), &key]));
    }
    Course::over()
}

/// Whatever comes of it.
fn run(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().expect("a process");
}
