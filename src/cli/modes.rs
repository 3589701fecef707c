//! How a lock is shared, and how it is waited for: `--shared`, `--max-holders`, `--also`, `--queue`.

use clap::{Args, ValueEnum};

use super::numbers;
use super::settings::LockOptions;
use super::times::Usage;
use crate::locker::{Mode, QueuePolicy, Request};

/// With whom the lock is held, and which others along with it.
#[derive(Args)]
pub(super) struct ModeArgs {
    /// Share it with all that say so too, as flock -s
    ///
    /// One that waits for it alone goes before all that come later: it is not starved. Over file: it can be,
    /// as flock's.
    #[arg(hide_short_help = true, short, long, conflicts_with = "max_holders")]
    shared: bool,

    /// Hold it alone, which is the default, as flock -x
    #[arg(
        hide_short_help = true,
        short = 'x',
        long,
        conflicts_with_all = ["shared", "max_holders"]
    )]
    exclusive: bool,

    /// At most N hold it at a time, who all say this N
    ///
    /// $GENLOCK_HELD_INDEX is 0 to N - 1, different for all who hold it at the same time. Where others say
    /// another number it is refused (64).
    #[arg(hide_short_help = true, long, value_name = "N", value_parser = numbers::holders)]
    max_holders: Option<u32>,

    /// The lock of this KEY too, all at once or none; several, if given again
    ///
    /// They are held together, and lost together, and no order of keys is a deadlock. The command finds
    /// all keys in $GENLOCK_HELD_KEYS. At most 16.
    #[arg(hide_short_help = true, long, value_name = "KEY")]
    also: Vec<String>,

    /// Who goes first
    ///
    /// With latest one that comes later sends away those that wait with latest too: they exit with 75, and
    /// the newest runs. Whoever holds the lock is left alone.
    #[arg(
        hide_short_help = true,
        long,
        value_name = "ORDER",
        default_value = "fifo"
    )]
    queue: QueueOrder,
}

/// The order of a queue.
#[derive(Clone, Copy, ValueEnum)]
enum QueueOrder {
    /// First come, first served
    Fifo,
    /// Newer ones send older ones away
    Latest,
}

/// The locks that are asked for, and how.
#[derive(Default)]
pub(super) struct ModeOptions {
    pub(super) mode: Mode,
    pub(super) queue: QueuePolicy,
    /// The keys beside the first.
    pub(super) also: Vec<String>,
}

impl From<ModeArgs> for ModeOptions {
    fn from(typed: ModeArgs) -> Self {
        Self {
            mode: match typed.max_holders {
                Some(holders) => Mode::OneOf(holders),
                None if typed.shared => Mode::Shared,
                None => Mode::Exclusive,
            },
            queue: match typed.queue {
                QueueOrder::Fifo => QueuePolicy::Fifo,
                QueueOrder::Latest => QueuePolicy::Latest,
            },
            also: typed.also,
        }
    }
}

impl ModeOptions {
    /// Whether others may hold the lock at the same time.
    pub(super) fn is_shared(&self) -> bool {
        self.mode != Mode::Exclusive
    }
}

impl LockOptions {
    /// What is asked of the store.
    pub(super) fn request(&self) -> Request {
        let request = Request::new(&self.key).with_mode(self.asked.mode);
        let request = request.with_queue(self.asked.queue);
        self.asked.also.iter().fold(request, Request::also)
    }

    /// Refuses what does not go together, whatever the store.
    pub(super) fn check_modes(&self) -> Result<(), Usage> {
        let why = match &self.once {
            Some(_) if !self.asked.also.is_empty() => {
                "--also: it would be done for one of the keys"
            }
            Some(_) if self.asked.is_shared() => {
                "--shared and --max-holders: several would do it at the same time"
            }
            _ => return Ok(()),
        };
        Err(Usage::new(format!(
            "--once and --once-per do not go with {why}"
        )))
    }
}

/// Of a lock that stays held when its holder is gone, by this option.
pub(super) fn check_min_hold(asked: &ModeOptions, option: &str) -> Result<(), Usage> {
    if asked.also.is_empty() {
        return Ok(());
    }
    Err(Usage::new(format!(
        "{option} does not go with --also: take the keys one within the other"
    )))
}
