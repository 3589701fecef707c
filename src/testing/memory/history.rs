//! The last runs, in the store in memory.

use super::MemoryClient;
use crate::Result;
use crate::locker::history::surplus;
use crate::locker::{BoxFuture, History, PastRun, check_key};

impl History for MemoryClient {
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        let begun = || {
            check_key(&run.report.key)?;
            let mut contents = self.store.contents();
            let runs = contents.past_runs.entry(run.report.key.clone());
            let runs = runs.or_default();
            runs.entry(run.token()).or_insert_with(|| run.to_json());
            Ok(surplus(runs.keys().copied(), keep))
        };
        Box::pin(std::future::ready(begun()))
    }

    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        let ended = || {
            check_key(&run.report.key)?;
            let mut contents = self.store.contents();
            let runs = contents.past_runs.entry(run.report.key.clone());
            let runs = runs.or_default();
            runs.insert(run.token(), run.to_json());
            runs.retain(|token, _| !surplus.contains(token));
            Ok(())
        };
        Box::pin(std::future::ready(ended()))
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        let found = || {
            check_key(key)?;
            let contents = self.store.contents();
            let runs = contents.past_runs.get(key);
            let runs = runs.into_iter().flat_map(|runs| runs.values());
            Ok(runs.filter_map(|run| PastRun::from_json(run)).collect())
        };
        Box::pin(std::future::ready(found()))
    }
}
