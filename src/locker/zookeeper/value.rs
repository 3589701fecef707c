//! What is in nodes: a holder's record, as JSON, with how long its lock lasts.

use std::time::Duration;

use super::calls::{NodeStat, ZkFailure};
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

/// The names of a node's children.
pub(super) fn children(body: &[u8]) -> Option<Vec<String>> {
    JuteReader::new(body).strings()
}

/// What is known of the node that [`set_if`](super::calls::ZkCall::set_if) wrote to.
pub(super) fn set(body: &[u8]) -> Result<NodeStat, ZkFailure> {
    let mut reader = JuteReader::new(body);
    let mut failed = None;
    loop {
        let head = (reader.int(), reader.bool(), reader.int());
        let (Some(code), Some(done), Some(_)) = head else {
            return Err(ZkFailure::strange());
        };
        match code {
            _ if done => return Err(failed.unwrap_or_else(ZkFailure::strange)),
            // An error of each part; −2 is that of those which would have come to pass.
            -1 => {
                let error = reader.int().ok_or_else(ZkFailure::strange)?;
                if !matches!(error, 0 | -2) && failed.is_none() {
                    failed = Some(ZkFailure::of(error));
                }
            }
            5 => return NodeStat::read(&mut reader).ok_or_else(ZkFailure::strange),
            _ => {}
        }
    }
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
