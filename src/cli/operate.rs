//! What the operator's verbs have in common: opening the store, a runtime, and output on stdout.

use std::io::{ErrorKind, Write};

use anyhow::Context;

use super::settings::ConnectionOptions;
use super::store::Store;
use crate::describe;
use crate::events::{EventKind, Observer};
use crate::exit::Exit;
use crate::locker::Options;
use crate::locker::kind::StoreClient;
use crate::stderr;
use crate::supervise::signals;
use crate::{Error, Subject};

/// Opens the store and does `operation` with it. Signals keep their default action: these verbs have
/// nothing in the store that would have to be removed first.
pub(super) fn operate(
    connection: ConnectionOptions,
    operation: impl AsyncFnOnce(&dyn StoreClient) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let store = Store::of(&connection)?;
    block_on(async {
        let told = std::sync::Mutex::new(String::new());
        let store = store.open(Options {
            observer: Some(Observer::new(move |event| {
                if let EventKind::Retrying(why) = &event.what
                    && let Ok(mut told) = told.lock()
                    && *told != *why
                {
                    stderr::complain(format_args!("trying again: {why}"));
                    told.clone_from(why);
                }
            })),
            ..Options::default()
        })?;
        operation(&*store).await
    })?
}

/// Waits for `asking` in a runtime of its own.
pub(super) fn block_on<T>(asking: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let answer = runtime.block_on(asking);
    // tokio looks up names in threads, which cannot be cancelled: a slow one is not waited for.
    runtime.shutdown_background();
    Ok(answer)
}

/// The error with the prefix that may not be read: the user may have rights below another.
pub(super) fn denied(verb: &str, prefix: &str, error: Error) -> Error {
    // Denied may also be a login that fails.
    if !error.is_about(&Subject::Permission) {
        return error;
    }
    if prefix.is_empty() {
        let way_out =
            format!("name a prefix that this user may read, as in genlock {verb} /locks/");
        return error.and(format!(": {way_out}"));
    }
    error.context(describe::escape(prefix))
}

/// Writes to stdout and flushes.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    let written = written.and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(unread()),
        written => written.context("stdout"),
    }
}

/// The reader of stdout is gone: the process ends by SIGPIPE, or with this error if that is ignored.
pub(super) fn unread() -> anyhow::Error {
    signals::die_of_closed_pipe();
    anyhow::Error::from(std::io::Error::from(ErrorKind::BrokenPipe)).context("stdout")
}

/// Writes a value to stdout as JSON, on one line.
pub(super) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(value).context("cannot write JSON")?;
    line.push('\n');
    print(&line)
}
