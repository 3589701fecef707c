//! What one connection is to tell of.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use crate::locker::zookeeper::calls::Watched;
use crate::locker::zookeeper::jute::JuteReader;

/// Who is told of what. Dropped, all are: what happens then nobody tells.
pub(super) struct ZkWatches {
    once: HashMap<Watched, Vec<oneshot::Sender<()>>>,
    /// Told of everything.
    news: Option<mpsc::UnboundedSender<String>>,
}

impl ZkWatches {
    pub(super) fn new(news: Option<mpsc::UnboundedSender<String>>) -> Self {
        Self {
            once: HashMap::new(),
            news,
        }
    }

    /// Ends when this happens, or nobody would tell of it.
    pub(super) fn add(&mut self, watched: Watched) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let all = self.once.entry(watched).or_default();
        all.retain(|sender| !sender.is_closed());
        all.push(sender);
        receiver
    }

    /// Passes on what has happened (WatcherEvent; EventType of Watcher.java).
    pub(super) fn tell(&mut self, mut event: JuteReader<'_>) -> Option<()> {
        let (what, _state, path) = (event.int()?, event.int()?, event.string()?);
        let watched = match what {
            1 | 3 => &[Watched::Data(path.clone())][..],
            2 => &[Watched::Data(path.clone()), Watched::Children(path.clone())],
            4 => &[Watched::Children(path.clone())],
            _ => &[],
        };
        for watched in watched {
            for sender in self.once.remove(watched).unwrap_or_default() {
                // Who waits no more does not want to know.
                let _ = sender.send(());
            }
        }
        if let Some(news) = &self.news {
            let _ = news.send(path);
        }
        Some(())
    }
}
