//! What is in nodes: a holder's record, as JSON, with how long its lock lasts.

use std::time::Duration;

use super::calls::{CREATE_ONLY, NodeStat, SET_DATA, ZkFailure};
use super::jute::JuteReader;
use crate::locker::Record;

/// The field beside those of the record.
const TTL: &str = "ttl_seconds";

/// What a holder writes into its node, with this moment as `since`.
pub(super) fn written(record: &Record, ttl: Duration) -> Vec<u8> {
    let data = record.to_json();
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&data) else {
        return data;
    };
    fields.insert(TTL.to_owned(), ttl.as_secs_f64().into());
    serde_json::to_vec(&fields).unwrap_or(data)
}

/// How long the lock of who wrote this lasts from its last write on, as far as that is known.
pub(super) fn ttl(data: &[u8]) -> Option<Duration> {
    let value: serde_json::Value = serde_json::from_slice(data).ok()?;
    Duration::try_from_secs_f64(value.get(TTL)?.as_f64()?).ok()
}

/// The data and what is known of a node, in an answer.
pub(super) fn data(body: &[u8]) -> Option<(Vec<u8>, NodeStat)> {
    let mut reader = JuteReader::new(body);
    let data = reader.buffer()?.to_vec();
    Some((data, NodeStat::read(&mut reader)?))
}

/// The name and what is known of a node that was created.
pub(super) fn created(body: &[u8]) -> Option<(String, NodeStat)> {
    let mut reader = JuteReader::new(body);
    let path = reader.string()?;
    Some((path, NodeStat::read(&mut reader)?))
}

/// The names of the nodes that [`create_all`](super::calls::ZkCall::create_all) made.
pub(super) fn created_all(body: &[u8]) -> Result<Vec<String>, ZkFailure> {
    if let Some((_, error)) = first_failed(body) {
        return Err(ZkFailure::of(error));
    }
    let mut reader = JuteReader::new(body);
    let mut paths = Vec::new();
    loop {
        match (reader.int(), reader.bool(), reader.int()) {
            (Some(CREATE_ONLY), Some(false), _) => {
                paths.push(reader.string().ok_or_else(ZkFailure::strange)?);
            }
            (Some(_), Some(true), _) => return Ok(paths),
            _ => return Err(ZkFailure::strange()),
        }
    }
}

/// The names of a node's children.
pub(super) fn children(body: &[u8]) -> Option<Vec<String>> {
    JuteReader::new(body).strings()
}

/// The part of a transaction by which it failed, from 0, and its error. `None` if it was done.
pub(super) fn first_failed(body: &[u8]) -> Option<(usize, i32)> {
    let mut reader = JuteReader::new(body);
    for part in 0.. {
        let (code, done, _) = (reader.int()?, reader.bool()?, reader.int()?);
        if done || code != ERROR {
            return None;
        }
        match reader.int()? {
            0 | NOT_REACHED => {}
            error => return Some((part, error)),
        }
    }
    None
}

/// The same as a failure.
pub(super) fn done(body: &[u8]) -> Result<(), ZkFailure> {
    first_failed(body).map_or(Ok(()), |(_, error)| Err(ZkFailure::of(error)))
}

/// Of a part of a transaction that failed there is an error only.
const ERROR: i32 = -1;

/// The error of the parts behind the one that failed.
const NOT_REACHED: i32 = -2;

/// What is known of the node that [`set_if`](super::calls::ZkCall::set_if) wrote to.
pub(super) fn set(body: &[u8]) -> Result<NodeStat, ZkFailure> {
    done(body)?;
    let mut reader = JuteReader::new(body);
    // The check's answer is empty.
    for _ in 0..2 {
        let head = (reader.int(), reader.bool(), reader.int());
        if let (Some(SET_DATA), ..) = head {
            return NodeStat::read(&mut reader).ok_or_else(ZkFailure::strange);
        }
    }
    Err(ZkFailure::strange())
}

/// Who may do what with a node: `world:anyone cdrwa`, as ZooKeeper's own client writes it.
pub(super) fn acl(body: &[u8]) -> Option<String> {
    const LETTERS: [(i32, char); 5] = [(4, 'c'), (8, 'd'), (1, 'r'), (2, 'w'), (16, 'a')];
    let mut reader = JuteReader::new(body);
    let mut all = Vec::new();
    for _ in 0..reader.int()? {
        let (rights, scheme, who) = (reader.int()?, reader.string()?, reader.string()?);
        let letters = LETTERS.into_iter().filter(|(bit, _)| rights & bit != 0);
        let letters: String = letters.map(|(_, letter)| letter).collect();
        all.push(format!("{scheme}:{who} {letters}"));
    }
    Some(all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_its_time_beside_it() {
        let record = Record::of_this_process();
        let data = written(&record, Duration::from_millis(2500));
        assert!(Record::from_json(&data).expect("a record").is_of(&record));
        assert_eq!(ttl(&data), Some(Duration::from_millis(2500)));
        for other in [&b""[..], b"10.0.0.1", b"{}", br#"{"ttl_seconds":-1}"#] {
            assert_eq!(ttl(other), None);
        }
    }
}
