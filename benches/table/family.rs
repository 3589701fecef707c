//! A tool's processes, and what they take.

use std::fs;

/// The processes of the tool whose first this is, and its command's.
pub(crate) fn family(first: u32) -> (Vec<u32>, Vec<u32>) {
    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let mut all = vec![first];
    let mut index = 0;
    while let Some(&pid) = all.get(index) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        all.extend(children.split_whitespace().flat_map(str::parse::<u32>));
        index += 1;
    }
    all.into_iter()
        .partition(|&pid| program(pid) == program(first))
}

/// Proportional set size of all of the tool's, in MB.
pub(crate) fn memory(first: u32) -> f64 {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
        number_after(&text.expect("a process"), "Pss:")
    };
    family(first).0.iter().map(of).sum::<u64>() as f64 / 1024.0
}

/// The number behind a word.
pub(crate) fn number_after(text: &str, word: &str) -> u64 {
    let found = text.split_once(word).map_or("", |(_, rest)| rest);
    let found = found.split_whitespace().next().unwrap_or_default();
    found.parse().unwrap_or(0)
}
