//! `genlock history`: the last runs under a lock, as the store keeps them for `run --history`.

mod axis;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod lanes;
mod outcome;
mod svg;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{Args, ValueHint};
use serde::Serialize;

use super::args::ConnectionArgs;
use super::help;
use super::operate::{operate, print, print_json};
use super::settings::Settings;
use crate::Result;
use crate::describe;
use crate::exit::Exit;
use crate::locker::PastRun;
use crate::locker::kind::StoreClient;
use crate::stderr;
use outcome::RunState;

/// Show the last runs under the lock KEY, the newest last.
///
/// Those of genlock run and genlock acquire with --history N: when and where each came, how long it
/// waited and held, and how it ended.
#[derive(Args)]
#[command(before_help = help::HISTORY_EXAMPLES, after_long_help = help::history())]
pub(super) struct HistoryArgs {
    /// One JSON array
    #[arg(long)]
    json: bool,

    /// Draw into FILE who waited and who held when
    ///
    /// A lane for each host, coloured by how its runs ended. `-` is stdout.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "json")]
    svg: Option<PathBuf>,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A run, and what is known of it now.
struct KnownRun {
    run: PastRun,
    state: RunState,
}

/// The same as JSON.
#[derive(Serialize)]
struct KnownRunView<'a> {
    #[serde(flatten)]
    run: &'a PastRun,
    state: RunState,
}

/// Runs the verb.
pub(super) fn run(options: &HistoryArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        let runs = look(store, &options.key).await?;
        if options.json {
            let views = runs
                .iter()
                .map(|KnownRun { run, state }| KnownRunView { run, state: *state });
            print_json(&views.collect::<Vec<_>>())?;
        } else if let Some(file) = &options.svg {
            let picture = svg::drawn(&options.key, &runs, SystemTime::now());
            if file.as_os_str() == "-" {
                print(&picture)?;
            } else {
                let shown = describe::escape(&file.to_string_lossy());
                std::fs::write(file, picture).with_context(|| shown)?;
            }
        } else {
            print(&table::of(&options.key, &runs))?;
            if runs.is_empty() {
                let key = describe::escape(&options.key);
                stderr::complain(format_args!(
                    "{key}: no run is kept there: genlock run --history N keeps the last N"
                ));
            }
        }
        Ok(Exit::Status(0))
    })
}

/// The end of a run is written along with the release, which may be seen first: so long, or there was
/// none.
const END_AFTER_RELEASE: Duration = Duration::from_millis(300);

/// Reads the runs, and who holds the lock now: a run without an end goes on if it does.
async fn look(store: &dyn StoreClient, key: &str) -> Result<Vec<KnownRun>> {
    let before = store.history(key).await?;
    let open = open(&before);
    if open.is_empty() {
        return Ok(seen(before, |_| RunState::Ended));
    }
    let queue = store.glance(key).await?;
    let holds: BTreeSet<_> = queue
        .contenders
        .iter()
        .filter_map(|one| one.token)
        .collect();
    if open.last().is_some_and(|newest| !holds.contains(newest)) {
        tokio::time::sleep(END_AFTER_RELEASE).await;
    }
    // One that ended meanwhile has its end by now; one that was not there before has begun since.
    let runs = store.history(key).await?;
    Ok(seen(runs, |token| {
        match holds.contains(&token) || !open.contains(&token) {
            true => RunState::Running,
            false => RunState::NotHeardOf,
        }
    }))
}

/// The tokens of the runs without an end.
fn open(runs: &[PastRun]) -> BTreeSet<u64> {
    let open = runs.iter().filter(|run| !run.is_over());
    open.map(PastRun::token).collect()
}

fn seen(runs: Vec<PastRun>, of_open: impl Fn(u64) -> RunState) -> Vec<KnownRun> {
    let each = runs.into_iter().map(|run| KnownRun {
        state: match run.is_over() {
            true => RunState::Ended,
            false => of_open(run.token()),
        },
        run,
    });
    each.collect()
}
