//! What a server of etcd's kind may answer, at random.

use std::collections::BTreeMap;

use etcd_client::proto::{PbRangeResponse, PbTxnResponse, PbWatchResponse};
use etcd_client::{Error as EtcdError, Event, GetResponse, KeyValue, TxnResponse};
use prost::Message;

use super::ahead::{OwnPlace, QueueAhead};
use super::contenders::{QueueKey, held, range};
use super::fault::Fault;
use super::standing::{Stand, is_not_attached};
use super::{answer, index, recipe};
use crate::error::Error;
use crate::locker::Mode;

/// The first byte says what the rest is.
pub(crate) fn answers(data: &[u8]) {
    let Some((&what, bytes)) = data.split_first() else {
        return;
    };
    match what {
        b'r' => {
            if let Ok(found) = PbRangeResponse::decode(bytes) {
                keys(GetResponse(found).kvs());
            }
        }
        b't' => {
            if let Ok(answer) = PbTxnResponse::decode(bytes) {
                transaction(TxnResponse(answer));
            }
        }
        b's' => status(bytes),
        _ => {
            if let Ok(answer) = PbWatchResponse::decode(bytes) {
                let events: Vec<_> = answer.events.into_iter().map(Event).collect();
                if answer::known(&events).is_ok() {
                    watch(&events);
                }
            }
        }
    }
}

/// Whatever order they are in, the same keys are the same queue.
fn keys(kvs: &[KeyValue]) {
    let queue = |kvs: &mut dyn Iterator<Item = &KeyValue>| -> BTreeMap<i64, QueueKey> {
        let found = kvs.filter_map(QueueKey::of);
        found.map(|(_, one)| (one.revision, one)).collect()
    };
    let forth = queue(&mut kvs.iter());
    let _ = queue(&mut kvs.iter().rev());
    assert!(held(&forth) <= forth.len());
    assert_eq!(held(&forth) == 0, forth.is_empty());
    for kv in kvs {
        if let Some(stand) = Stand::of(kv) {
            assert!(stand.lease != 0 || stand.is_moved);
            if !stand.is_moved {
                let written = [stand.name, format!("/{:x}", stand.lease).as_bytes()].concat();
                assert_eq!(written, kv.key());
            }
        }
        let _ = index::index_in(kv.key(), "/k.index:");
        let (first, end) = range(kv.key());
        let within = kv.key() >= &first[..] && (end == [0] || kv.key() < &end[..]);
        assert!(within || kv.key().is_empty());
    }
    for one in forth.values() {
        let _ = (
            one.contender(),
            one.owner_key(),
            one.mode(),
            one.is_latest(),
        );
    }
}

fn transaction(answer: TxnResponse) {
    let Ok(answer) = answer::whole(answer) else {
        return;
    };
    let _ = recipe::header_revision(&answer);
    for kvs in recipe::gets(&answer) {
        let _ = (recipe::create_revision(&kvs), recipe::loss(kvs.first(), 7));
        keys(&kvs);
    }
    let _ = answer.op_responses();
}

/// A queue that is kept up to date by these events, each of them once, and again in the other order.
fn watch(events: &[Event]) {
    let kvs: Vec<_> = events.iter().filter_map(Event::kv).cloned().collect();
    keys(&kvs);
    let found = kvs.iter().filter_map(QueueKey::of);
    let queue: BTreeMap<_, _> = found.map(|(_, one)| (one.revision, one)).collect();
    let own = kvs.last().map(|kv| OwnPlace {
        own: Some(kv.key().to_vec()),
        revision: kv.create_revision(),
    });
    for place in own.into_iter().chain([OwnPlace::end()]) {
        let mut ahead = QueueAhead::of((queue.clone(), 0), place);
        let before = ahead.count();
        for event in events.iter().chain(events.iter().rev()) {
            ahead.note(event);
            let _ = is_not_attached(event);
            let _ = (
                ahead.may_hold(Mode::Shared),
                ahead.other_limit(Mode::OneOf(2)),
            );
        }
        // Nobody comes in ahead of a place.
        assert!(ahead.count() <= before);
        assert_eq!(ahead.first().is_some(), ahead.last().is_some());
        let _ = (
            ahead.loss(),
            ahead.newer_latest(),
            ahead.is_stale(),
            ahead.in_doubt(),
        );
    }
}

/// A status: its code, and its text.
fn status(bytes: &[u8]) {
    let (code, text) = bytes.split_first().unwrap_or((&0, &[]));
    let text = String::from_utf8_lossy(text);
    let status = tonic::Status::new(tonic::Code::from(i32::from(*code)), text);
    let _ = super::fault::beneath(&EtcdError::GRpcStatus(status.clone()));
    let error = Error::from(Fault::from(EtcdError::GRpcStatus(status)));
    assert!(error.to_string().chars().count() < 600, "{error}");
    let _ = super::fault::complaint(&error.to_string());
}
