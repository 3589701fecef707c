//! `genlock doctor`: what works, what does not, and what mends it.

mod findings;
mod host;
mod shown;
mod store;
mod times;

use std::time::Duration;

use clap::Args;

use super::args::{ConnectionArgs, TimesArgs};
use super::help;
use super::settings::{Settings, TimesOptions};
use super::store::{Store, default_endpoint};
use super::times::Usage;
use crate::Error;
use crate::exit::{self, Exit};
use crate::locker::{Config, grace};
use findings::Findings;

/// Say what works, what does not, and what mends it.
///
/// Asks every endpoint, and looks at the configuration, the rights below KEY, and the times that
/// follow. Takes no lock, and leaves nothing in the store.
#[derive(Args)]
#[command(
    before_help = help::DOCTOR_EXAMPLES,
    after_long_help = help::doctor(),
    mut_arg("kill_after", |arg| arg.hide_short_help(false))
)]
pub(super) struct DoctorArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,

    /// All settings, also those that nobody has set
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,

    #[command(flatten)]
    times: TimesArgs,

    /// The lock, or a prefix that ends in '/'
    ///
    /// There we want to read and write.
    #[arg(value_name = "KEY", default_value = "/locks/")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is examined and how it is shown, with the configuration's times in place of what was not typed.
struct DoctorOptions {
    json: bool,
    verbose: bool,
    ttl: Duration,
    kill_after: Option<Duration>,
    key: String,
}

impl DoctorOptions {
    fn of(typed: &DoctorArgs, TimesOptions { ttl, kill_after }: TimesOptions) -> Self {
        Self {
            json: typed.json,
            verbose: typed.verbose,
            ttl,
            kill_after,
            key: typed.key.clone(),
        }
    }

    fn grace(&self, ttl: Duration) -> Duration {
        grace(ttl, self.kill_after)
    }

    /// The default of an option for which clap has none: it comes from the store's configuration, and help
    /// only tells of it.
    fn default_of(&self, key: &str) -> Option<String> {
        let defaults = Config::default();
        match key {
            "endpoints" => Some(default_endpoint()),
            "dial-timeout" => Some(duration(defaults.dial_timeout)),
            "command-timeout" => Some(duration(defaults.command_timeout)),
            "kill-after" => Some(duration(self.grace(self.ttl))),
            _ => None,
        }
    }
}

fn duration(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// Runs the verb.
pub(super) fn run(typed: &DoctorArgs, settings: &Settings) -> anyhow::Result<Exit> {
    let options = &DoctorOptions::of(typed, settings.times(&typed.times));
    if options.key.is_empty() {
        return Err(Usage::new("a key cannot be empty: leave it out to look at /locks/").into());
    }
    let mut report = Findings::default();
    report.settings(settings, |key| options.default_of(key));
    match Store::of(&settings.connection(&typed.connection)) {
        Err(error) => report.misfit(settings, &error),
        Ok(store) => store::look(&mut report, settings, &store, options)?,
    }
    conclude(report, options)
}

/// Runs the verb where the configuration cannot be read: reports that, and what does not depend on it.
pub(super) fn misconfigured(typed: &DoctorArgs, error: &Error) -> anyhow::Result<Exit> {
    let (ttl, kill_after) = (typed.times.ttl.ttl, typed.times.grace.kill_after);
    let options = &DoctorOptions::of(typed, TimesOptions { ttl, kill_after });
    let mut report = Findings::default();
    report.wrong("config", error, error.to_string(), None);
    conclude(report, options)
}

fn conclude(mut report: Findings, options: &DoctorOptions) -> anyhow::Result<Exit> {
    host::look(&mut report);
    report.print(options)?;
    Ok(Exit::Status(report.status().unwrap_or(exit::SUCCESS)))
}
