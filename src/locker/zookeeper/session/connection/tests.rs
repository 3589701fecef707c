use tokio::io::duplex;

use super::*;
use crate::locker::net::refusal::Refusal;
use crate::locker::zookeeper::calls::ZkCall;
use crate::locker::zookeeper::ensemble::Ensemble;
use crate::locker::zookeeper::session::ZkSession;
use crate::locker::{Config, Options};

#[tokio::test]
async fn nothing_is_asked_over_a_connection_that_was_silent_for_too_long() {
    let ensemble = Ensemble::new(&Config::new(["zk://h"]), &Options::default());
    let ensemble = Arc::new(ensemble.expect("servers"));
    let timeout = Duration::from_secs(60);
    let session = ZkSession::new(&ensemble, timeout, None);
    // Which of several things that are due comes first is by chance.
    for _ in 0..20 {
        let (stream, mut server) = duplex(1 << 16);
        let dialled = Dialled {
            stream: Box::new(stream),
            refusal: Refusal::default(),
            server: "h".to_owned(),
        };
        let mut connection = ZkConnection::new(session.state.clone(), None);
        connection.heartbeat.is_open = true;
        connection.heartbeat.heard = Instant::now() - timeout / 2;
        let (calls, mut asked) = mpsc::unbounded_channel();
        let (reply, _answer) = oneshot::channel();
        let call = ZkCall::get_children("/k");
        assert!(calls.send(ZkPending { call, reply }).is_ok());
        let mut waiting = VecDeque::new();
        let served = connection.serve(dialled, &mut asked, &mut waiting).await;
        assert!(matches!(served, Served::Broken { .. }));
        waiting.extend(asked.try_recv());
        assert_eq!(waiting.len(), 1, "for the next connection");
        let mut seen = Vec::new();
        server.read_to_end(&mut seen).await.expect("the end");
        assert!(!seen.windows(2).any(|two| two == b"/k"));
    }
}
