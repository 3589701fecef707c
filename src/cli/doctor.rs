//! `genlock doctor`: what works, what does not, and what mends it.

mod etcd;
mod file;
mod host;
mod mends;
mod report;
mod rights;
mod times;

use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::settings::Settings;
use super::store::{DEFAULT_ENDPOINT, Store};
use super::times::{Usage, parse, parse_ttl};
use super::{Connection, help};
use crate::exit::{self, Exit};
use crate::locker::etcd::diagnose;
use crate::locker::grace;
use crate::{Error, EtcdConfig};
use report::Report;

/// Say what works, what does not, and what mends it.
///
/// Asks every endpoint, and looks at the configuration, the rights below KEY, and the times that
/// follow. Takes no lock, and leaves nothing in the store.
#[derive(Args)]
#[command(before_help = help::DOCTOR_EXAMPLES, after_long_help = help::doctor())]
pub(super) struct Doctor {
    /// One JSON object
    #[arg(long)]
    json: bool,

    /// All settings, also those that nobody has set
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,

    /// How long the store keeps it without us
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = parse_ttl,
        env = "GENLOCK_TTL"
    )]
    ttl: Duration,

    /// From SIGTERM to SIGKILL
    ///
    /// When the command is stopped. Default: a fifth of the TTL.
    #[arg(short, long, value_name = "DURATION", value_parser = parse, env = "GENLOCK_KILL_AFTER")]
    kill_after: Option<Duration>,

    /// The lock, or a prefix that ends in '/'
    ///
    /// There we want to read and write.
    #[arg(value_name = "KEY", default_value = "/locks/")]
    key: String,

    #[command(flatten)]
    connection: Connection,
}

impl Doctor {
    fn grace(&self, ttl: Duration) -> Duration {
        grace(ttl, self.kill_after)
    }

    /// What an option is that nobody has set, where help only says so in words.
    fn default_of(&self, key: &str) -> Option<String> {
        let defaults = EtcdConfig::default();
        match key {
            "endpoints" => Some(DEFAULT_ENDPOINT.to_owned()),
            "dial-timeout" => Some(duration(defaults.dial_timeout)),
            "command-timeout" => Some(duration(defaults.command_timeout)),
            "kill-after" => Some(duration(self.grace(self.ttl))),
            _ => None,
        }
    }

    /// Before every key that stands for a holder or waiter.
    fn prefix(&self) -> String {
        if self.key.ends_with('/') {
            self.key.clone()
        } else {
            format!("{}/", self.key)
        }
    }

    /// The one lock that is meant, if it is one.
    fn lock(&self) -> Option<&str> {
        Some(&*self.key).filter(|key| !key.ends_with('/'))
    }
}

fn duration(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// Runs the verb.
pub(super) fn run(options: &Doctor, settings: &Settings) -> anyhow::Result<Exit> {
    if options.key.is_empty() {
        return Err(Usage::new("a key cannot be empty: leave it out to look at /locks/").into());
    }
    let mut report = Report::default();
    report.settings(settings, |key| options.default_of(key));
    match Store::of(&options.connection, settings) {
        Err(error) => report.misfit(settings, &error),
        Ok(Store::File(directory)) => file::look(&mut report, directory.as_deref(), options),
        Ok(Store::Etcd(config)) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start")?;
            let prefix = options.prefix();
            let diagnosis = diagnose::diagnose(&config, &prefix, options.ttl);
            match runtime.block_on(diagnosis) {
                Ok(diagnosis) => {
                    etcd::Judge::new(&mut report, settings, &config, options).judge(diagnosis);
                }
                Err(error) => report.misfit(settings, &error),
            }
            // A name look-up that still runs must not hold us up.
            runtime.shutdown_background();
        }
    }
    conclude(report, options)
}

/// The same where the configuration cannot be read, so that nothing is known of the store.
pub(super) fn misconfigured(options: &Doctor, error: &Error) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    report.wrong("config", error, error.to_string(), None);
    conclude(report, options)
}

fn conclude(mut report: Report, options: &Doctor) -> anyhow::Result<Exit> {
    host::look(&mut report);
    report.print(options)?;
    Ok(Exit::Status(report.status().unwrap_or(exit::SUCCESS)))
}
