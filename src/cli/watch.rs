//! `genlock watch`: what happens to locks, as it happens.

use std::os::fd::AsFd;
use std::time::SystemTime;

use clap::Args;
use serde::Serialize;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

use super::args::ConnectionArgs;
use super::help;
use super::operate::{denied, operate, print, print_json, unread};
use super::paint::Paint;
use super::settings::Settings;
use super::view::{self, ContenderView};
use crate::describe;
use crate::exit::Exit;
use crate::locker::operator::{Change, ChangeKind, Scope};

/// Tell what happens to the locks, a line each, until interrupted.
///
/// It begins with what there is: who holds and who waits.
#[derive(Args)]
#[command(before_help = help::WATCH_EXAMPLES, after_long_help = help::watch())]
pub(super) struct WatchArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,

    /// PREFIX is the key of one lock, and no other is told of
    #[arg(long, requires = "prefix")]
    exact: bool,

    /// Only keys that begin so. Who may read no other keys has to say it
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A change, as JSON.
#[derive(Serialize)]
struct ChangeView<'a> {
    time: String,
    event: &'a str,
    key: &'a str,
    #[serde(flatten)]
    contender: ContenderView<'a>,
}

/// Runs the verb.
pub(super) fn run(options: &WatchArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        let scope = if options.exact {
            Scope::Key(&options.prefix)
        } else {
            Scope::Prefix(&options.prefix)
        };
        let (said, mut failed) = tokio::sync::mpsc::unbounded_channel();
        let mut tell = |change: Change<'_>| {
            if let Err(error) = say(options, change) {
                let _ = said.send(error);
            }
        };
        tokio::select! {
            ended = store.follow(scope, &mut tell) => match ended {
                Ok(never) => match never {},
                Err(error) => Err(denied("watch", &options.prefix, error).into()),
            },
            Some(error) = failed.recv() => Err(error),
            () = until_unread() => Err(unread()),
        }
    })
}

/// Ends when stdout is a pipe whose reader is gone, as in `genlock watch | head -1`: the next event
/// may be long in coming.
async fn until_unread() {
    let own = std::io::stdout().as_fd().try_clone_to_owned();
    // "Unchecked" leaves the pipe in blocking mode, which other processes share: this end is only waited
    // for, never written to. epoll(7) refuses a regular file, which has no reader that could go.
    if let Ok(stdout) = own.and_then(Sender::from_owned_fd_unchecked)
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn say(options: &WatchArgs, change: Change<'_>) -> anyhow::Result<()> {
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let event = event(change.what);
    if options.json {
        return print_json(&ChangeView {
            time,
            event,
            key: change.key,
            contender: ContenderView::of(change.contender),
        });
    }
    let time = describe::time(&time, &std::io::stdout());
    let token = change.contender.token;
    print(&format!(
        "{time}  {event:<10}  {}  {}{}{}{}\n",
        Paint::of_stdout().bold(&describe::escape(change.key)),
        view::who(change.contender),
        view::mode(change.contender),
        token.map_or(String::new(), |token| format!("  token {token}")),
        view::notes(change.contender),
    ))
}

/// The name of a change, in text and JSON: an interface.
fn event(what: ChangeKind) -> &'static str {
    match what {
        ChangeKind::Holds => "holds",
        ChangeKind::Waits => "waits",
        ChangeKind::Acquired => "acquired",
        ChangeKind::Queued => "queued",
        ChangeKind::Released => "released",
        ChangeKind::Expired => "expired",
        ChangeKind::Left => "left",
        ChangeKind::TakenAway => "taken-away",
    }
}
