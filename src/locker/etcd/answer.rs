//! What an answer of etcd's has to be before anything is read of it. The client takes it for granted, and
//! panics (`TxnResponse::op_responses`, `Event::event_type`): another server in etcd's place, or a later
//! etcd, need not keep to it.

use etcd_client::{Event, TxnResponse};

use super::fault::Fault;

/// The longest message that is read where others decide how long it is: the values that one request
/// reads (read.rs), each as large as etcd takes by default, and a third more; or a queue of a hundred thousand.
pub(super) const LARGEST: usize = 128 << 20;

/// What is wrong with one page of many that does not go on from the one before: there would be no end.
pub(super) const NO_WAY_ON: &str = "it answers the same keys again and again";

/// A transaction's answer, with an answer to each of its parts.
///
/// # Errors
/// If one is missing.
pub(super) fn whole(answer: TxnResponse) -> Result<TxnResponse, Fault> {
    let mut parts = answer.0.responses.iter();
    match parts.all(|part| part.response.is_some()) {
        true => Ok(answer),
        false => Err(Fault::broken("a part of its answer is missing")),
    }
}

/// The events of a watch, each of a kind that is known.
///
/// # Errors
/// If one is not: what was watched has to be read.
pub(super) fn known(events: &[Event]) -> Result<(), Fault> {
    // 0 is a put, 1 a deletion (api/mvccpb/kv.proto).
    match events.iter().all(|event| matches!(event.0.r#type, 0 | 1)) {
        true => Ok(()),
        false => Err(Fault::broken("it tells of what is not known here")),
    }
}

#[cfg(test)]
mod tests {
    use etcd_client::proto::{PbEvent, PbResponseOp, PbTxnResponse};

    use super::*;

    #[test]
    fn what_the_client_would_panic_at_is_a_fault() {
        let responses = vec![PbResponseOp { response: None }];
        let answer = TxnResponse(PbTxnResponse {
            responses,
            ..PbTxnResponse::default()
        });
        assert!(matches!(whole(answer), Err(Fault::Broken(_))));
        for (kind, is_known) in [(0, true), (1, true), (2, false), (-1, false)] {
            let event = PbEvent {
                r#type: kind,
                ..PbEvent::default()
            };
            assert_eq!(known(&[Event(event)]).is_ok(), is_known, "{kind}");
        }
    }
}
