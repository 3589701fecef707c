//! A connection over which a server says anything, and hangs up.

use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::connection::ZkConnection;
use super::packets::Packets;
use super::{ZkPending, ZkSession};
use crate::locker::net::refusal::Refusal;
use crate::locker::zookeeper::calls::ZkCall;
use crate::locker::zookeeper::ensemble::{Dialled, Ensemble};

/// In pieces as the first byte says, or at once, it is the same.
pub(in crate::locker::zookeeper) fn packets(ensemble: &Arc<Ensemble>, data: &[u8]) {
    let Some((&length, bytes)) = data.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(whole, read(bytes, usize::from(length).max(1)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(speak(ensemble, bytes));
}

fn read(bytes: &[u8], length: usize) -> (Vec<Vec<u8>>, bool) {
    let mut packets = Packets::default();
    let mut found = Vec::new();
    for piece in bytes.chunks(length) {
        packets.take(piece);
        loop {
            match packets.next() {
                Ok(Some(packet)) => found.push(packet),
                Ok(None) => break,
                Err(_) => return (found, false),
            }
        }
    }
    (found, true)
}

async fn speak(ensemble: &Arc<Ensemble>, bytes: &[u8]) {
    let session = ZkSession::new(ensemble, Duration::from_secs(60), None);
    let stream = tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink());
    let dialled = Dialled {
        stream: Box::new(stream),
        refusal: Refusal::default(),
        server: "h".to_owned(),
    };
    let connection = ZkConnection::new(session.state.clone(), None);
    let (calls, mut asked) = mpsc::unbounded_channel();
    let all = [ZkCall::watch_children("/k"), ZkCall::watch_data("/k")];
    let answers: Vec<_> = all
        .into_iter()
        .map(|call| {
            let (reply, answer) = oneshot::channel();
            let _ = calls.send(ZkPending { call, reply });
            answer
        })
        .collect();
    let mut waiting = VecDeque::new();
    let _ = connection.serve(dialled, &mut asked, &mut waiting).await;
    drop((waiting, asked, answers));
}
