//! Histories as a test writes them down: `RUN BY EVENT MILLISECONDS NAME=VALUE…`, a line each.

use serde_json::{Value, json};

use super::story::Story;

/// The history of these lines.
pub(super) fn story(lines: &str) -> Story {
    let story = Story::of(&history(lines));
    assert!(story.nonsense.is_empty(), "{:?}", story.nonsense);
    story
}

/// The same as it is in a file.
fn history(lines: &str) -> String {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|words| line(words) + "\n").collect()
}

fn line(words: &str) -> String {
    let mut words = words.split_whitespace();
    let mut next = || words.next().expect("a word");
    let (run, by, event, at) = (next(), next(), next(), next());
    let at: f64 = at.parse().expect("milliseconds");
    let mut line = json!({ "run": run, "by": by, "event": event, "boottime_seconds": at / 1000.0 });
    for word in words {
        let (name, value) = word.split_once('=').expect("a field");
        let text = || Value::from(value);
        line[name] = serde_json::from_str(value).unwrap_or_else(|_| text());
    }
    line.to_string()
}

/// A run of the key `/k` that asks at `from`, waits, is in its section from 10 ms later until `to`, and ends
/// as it should.
pub(super) fn life(run: &str, token: u64, from: u64, to: u64) -> String {
    let [waits, granted, began, ended, released, over] =
        [from + 1, from + 5, from + 10, to + 1, to + 2, to + 3];
    format!(
        r#"
        {run} worker asked {from} keys=["/k"] mode=exclusive ttl_seconds=3
        {run} genlock waiting {waits} token={token}
        {run} genlock granted {granted} token={token} index=null left_seconds=2.9
        {run} section began {began} token={token} index=null
        {run} section done {to}
        {run} genlock ended {ended}
        {run} genlock released {released}
        {run} worker over {over} status=0
        "#
    )
}
