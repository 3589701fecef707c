//! The run in the store's history: its beginning, written when the lock is held, and its end, written while
//! that is released. Neither holds up the run, nor makes it fail.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::locker::PastRun;
use crate::locker::kind::StoreClient;
use crate::report::RunReport;
use crate::stderr;
use crate::{Error, Result};

/// Says that a beginning or an end is not in the history.
pub(in crate::cli) fn say_unwritten(error: &Error) {
    stderr::complain(format_args!(
        "warning: the history was not written: {error}"
    ));
}

/// A run whose beginning is being written.
pub(in crate::cli) struct Keeping {
    store: Arc<dyn StoreClient>,
    run: PastRun,
    /// Gives the runs that are too many.
    beginning: JoinHandle<Result<Vec<u64>>>,
}

impl Keeping {
    /// Begins to write that the run has begun; so many runs are to be kept.
    pub(in crate::cli) fn begin(store: &Arc<dyn StoreClient>, run: PastRun, keep: u32) -> Self {
        let (store, begun) = (store.clone(), run.clone());
        let writer = store.clone();
        let beginning = tokio::spawn(async move { writer.begin(&begun, keep).await });
        Self {
            store,
            run,
            beginning,
        }
    }

    /// Writes how the run ended. Its beginning is awaited, since that says what is to be removed: after
    /// short commands it may be on its way yet.
    pub(in crate::cli) async fn end(mut self, report: RunReport) -> Result<()> {
        let begun = self.beginning.await;
        let surplus = begun.ok().and_then(Result::ok).unwrap_or_default();
        self.run.report = report;
        self.store.end(&self.run, &surplus).await
    }

    /// Leaves it at its beginning, once that is written: nobody of ours sees the end.
    pub(in crate::cli) async fn leave(self) -> Result<()> {
        let begun = self.beginning.await;
        match begun.unwrap_or_else(|_| Ok(Vec::new()))? {
            surplus if surplus.is_empty() => Ok(()),
            surplus => self.store.end(&self.run, &surplus).await,
        }
    }
}
