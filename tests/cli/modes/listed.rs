//! `genlock ls`: which of N holders each is.

use genlock::Capability;
use serde_json::Value;

use super::{ends, holds, is_able, json, printed};
use crate::genlock::Store;

over_every_store! {
    each_of_several_holders_has_its_index;
}

fn each_of_several_holders_has_its_index(store: &Store) {
    if !is_able(store, Capability::SeveralHolders) {
        return;
    }
    let three = ["--max-holders", "3"];
    let holders: [_; 3] = std::array::from_fn(|_| holds(store, &three));
    let indexes = |holders: &Value| -> Vec<_> {
        let holders = holders.as_array().expect("an array").iter();
        let each = holders.map(|one| (one["pid"].as_i64(), one["index"].as_i64()));
        each.collect()
    };
    let expected: Vec<_> = (0..)
        .zip(&holders)
        .map(|(index, holder)| (Some(i64::from(holder.pid())), Some(index)))
        .collect();
    let listed = json(store, "ls");
    assert_eq!(indexes(&listed[0]["holders"]), expected, "{listed}");
    let status = json(store, "status");
    assert_eq!(indexes(&status["holders"]), expected, "{status}");
    let text = printed(store, &["ls"]);
    let line = text.lines().last().expect("a line");
    let end = ", one of 3 (index 0), and 2 more (index 1, 2)";
    assert!(line.ends_with(end), "{line}");
    holders.into_iter().for_each(ends);
}
