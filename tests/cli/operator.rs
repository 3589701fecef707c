//! The verbs of an operator, over every store.

mod around;
mod breaking;
mod check;
mod follow;
mod look;

use std::process::Command;

use serde_json::Value;

use crate::genlock::{Finished, Store, genlock, output};

/// `genlock VERB` on this store, with these arguments.
fn verb(store: &Store, verb: &str, arguments: &[&str]) -> Command {
    let mut genlock = genlock();
    genlock.args([verb, "--endpoints", &store.endpoints]);
    genlock.args(arguments);
    genlock
}

/// What it prints, on success.
#[track_caller]
fn json(store: &Store, name: &str, arguments: &[&str]) -> Value {
    let mut command = verb(store, name, arguments);
    command.arg("--json");
    parsed(&output(command).silent(0))
}

#[track_caller]
fn parsed(finished: &Finished) -> Value {
    serde_json::from_str(finished.text()).expect("JSON")
}

/// The token of the holder.
#[track_caller]
fn token(store: &Store) -> u64 {
    let token = &json(store, "status", &[&store.key])["holder"]["token"];
    token.as_u64().expect("a token")
}
