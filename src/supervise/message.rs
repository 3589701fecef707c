//! What main and the watchdog tell each other, as bytes.

use std::time::Duration;

use super::leftover::Leftover;
use super::{EndReason, LeftoverPolicy, TimeLimits};
use crate::clock::Instant;

/// The largest message: the variables that are added to the command's environment, of which the
/// kernel takes 128 KiB each (MAX_ARG_STRLEN, execve(2)). Below what a socket holds (wmem_default,
/// socket(7)).
pub(super) const MAX_MESSAGE: usize = 160 * 1024;

/// How much of it the added variables may take.
pub(super) const MAX_ENVIRONMENT: usize = MAX_MESSAGE - 64;

/// From main to the watchdog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WatchdogOrder<'a> {
    /// Start the command. A descriptor for it to inherit may come along.
    Start {
        limits: TimeLimits,
        /// How many of the last words that the watchdog was given are the command.
        command: usize,
        leftovers: LeftoverPolicy,
        /// The command takes the terminal's foreground.
        foreground: bool,
        /// `NAME=value`, each ended by a NUL byte.
        environment: &'a [u8],
    },
    /// The command must be dead by then.
    Deadline(Instant),
    /// Pass a signal to the command's process group.
    Signal(i32),
    /// Continue the command after a stop.
    Continue,
    /// Stop the command: SIGTERM, then SIGKILL after the grace.
    Stop,
}

/// From the watchdog to main.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchdogNotice {
    /// It was too late to start the command. Another order to start may follow.
    TooLate,
    /// The command runs: its process, which leads its process group.
    Started(i32),
    /// The command could not be executed: the errno.
    NotExecuted(i32),
    /// The command was stopped by this signal.
    Stopped(i32),
    /// The command's end has begun, for this reason: SIGTERM is sent, or SIGKILL where there is no time
    /// left.
    Terminating(EndReason),
    /// The command itself has ended with this wait status. What it started may live.
    Ended(i32),
    /// What it started lives, and is sent SIGTERM.
    Leftover(Leftover),
    /// The order to pass on a signal was carried out, also where the command had ended.
    PassedOn,
    /// Nothing of the command lives any more; why it ended.
    Gone(EndReason),
}

const NEVER: u64 = u64::MAX;

fn nanoseconds(time: Option<Duration>) -> u64 {
    time.map_or(NEVER, |time| {
        u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1)
    })
}

fn duration(nanoseconds: u64) -> Option<Duration> {
    (nanoseconds != NEVER).then(|| Duration::from_nanos(nanoseconds))
}

impl<'a> WatchdogOrder<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(32);
        match self {
            Self::Start {
                limits,
                command,
                leftovers,
                foreground,
                environment,
            } => {
                message.push(b's');
                for at in [limits.start_by, limits.deadline] {
                    let at = nanoseconds(at.map(Instant::since_boot));
                    message.extend(at.to_ne_bytes());
                }
                message.extend(nanoseconds(Some(limits.grace)).to_ne_bytes());
                message.extend(nanoseconds(limits.max_runtime).to_ne_bytes());
                message.extend((*command as u64).to_ne_bytes());
                message.push(u8::from(*leftovers == LeftoverPolicy::Leave));
                message.push(u8::from(*foreground));
                message.extend_from_slice(environment);
            }
            Self::Deadline(deadline) => {
                message.push(b'd');
                message.extend(nanoseconds(Some(deadline.since_boot())).to_ne_bytes());
            }
            Self::Signal(signal) => {
                message.push(b'k');
                message.extend(signal.to_ne_bytes());
            }
            Self::Continue => message.push(b'c'),
            Self::Stop => message.push(b't'),
        }
        message
    }

    pub(super) fn decode(message: &'a [u8]) -> Option<Self> {
        let (tag, rest) = message.split_first()?;
        Some(match tag {
            b's' => {
                let (start_by, rest) = rest.split_first_chunk()?;
                let (deadline, rest) = rest.split_first_chunk()?;
                let (grace, rest) = rest.split_first_chunk()?;
                let (max_runtime, rest) = rest.split_first_chunk()?;
                let (command, rest) = rest.split_first_chunk()?;
                let (leave, rest) = rest.split_first()?;
                let (foreground, environment) = rest.split_first()?;
                Self::Start {
                    limits: TimeLimits {
                        start_by: duration(u64::from_ne_bytes(*start_by)).map(Instant::from_boot),
                        deadline: duration(u64::from_ne_bytes(*deadline)).map(Instant::from_boot),
                        grace: duration(u64::from_ne_bytes(*grace))?,
                        max_runtime: duration(u64::from_ne_bytes(*max_runtime)),
                    },
                    command: u64::from_ne_bytes(*command) as usize,
                    leftovers: if *leave == 0 {
                        LeftoverPolicy::Stop
                    } else {
                        LeftoverPolicy::Leave
                    },
                    foreground: *foreground != 0,
                    environment,
                }
            }
            b'd' => {
                let deadline = u64::from_ne_bytes(*rest.first_chunk()?);
                Self::Deadline(Instant::from_boot(Duration::from_nanos(deadline)))
            }
            b'k' => Self::Signal(i32::from_ne_bytes(*rest.first_chunk()?)),
            b'c' => Self::Continue,
            b't' => Self::Stop,
            _ => return None,
        })
    }
}

impl WatchdogNotice {
    pub(super) const SIZE: usize = 5 + Leftover::SIZE;

    pub(super) fn encode(self) -> [u8; Self::SIZE] {
        let (tag, value) = match self {
            Self::TooLate => (b'l', 0),
            Self::Started(pid) => (b's', pid),
            Self::NotExecuted(errno) => (b'x', errno),
            Self::Stopped(signal) => (b'z', signal),
            Self::Terminating(reason) => (b'w', reason as i32),
            Self::Ended(status) => (b'e', status),
            Self::Leftover(left) => (b'r', left.pid),
            Self::PassedOn => (b'p', 0),
            Self::Gone(reason) => (b'g', reason as i32),
        };
        let mut message = [0; Self::SIZE];
        message[0] = tag;
        message[1..5].copy_from_slice(&value.to_ne_bytes());
        if let Self::Leftover(left) = self {
            message[5..].copy_from_slice(&left.encode());
        }
        message
    }

    pub(super) fn decode([tag, message @ ..]: [u8; Self::SIZE]) -> Option<Self> {
        let (value, more) = message.split_first_chunk()?;
        let value = i32::from_ne_bytes(*value);
        Some(match tag {
            b'l' => Self::TooLate,
            b's' => Self::Started(value),
            b'x' => Self::NotExecuted(value),
            b'z' => Self::Stopped(value),
            b'w' => Self::Terminating(EndReason::from_number(value)?),
            b'e' => Self::Ended(value),
            b'r' => Self::Leftover(Leftover::decode(value, more.first_chunk()?)),
            b'p' => Self::PassedOn,
            b'g' => Self::Gone(EndReason::from_number(value)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_as_bytes() {
        let limits = TimeLimits {
            start_by: Some(Instant::now()),
            deadline: Some(Instant::now()),
            grace: Duration::from_millis(2500),
            max_runtime: None,
        };
        for order in [
            WatchdogOrder::Start {
                limits,
                command: 300,
                leftovers: LeftoverPolicy::Leave,
                foreground: true,
                environment: b"A=1\0B=\0",
            },
            WatchdogOrder::Deadline(Instant::now()),
            WatchdogOrder::Signal(15),
            WatchdogOrder::Continue,
            WatchdogOrder::Stop,
        ] {
            assert_eq!(WatchdogOrder::decode(&order.encode()), Some(order));
        }
        assert_eq!(WatchdogOrder::decode(b""), None);
        assert_eq!(WatchdogOrder::decode(b"d123"), None);
    }

    #[test]
    fn notices_survive_as_bytes() {
        for notice in [
            WatchdogNotice::TooLate,
            WatchdogNotice::Started(4_194_303),
            WatchdogNotice::NotExecuted(2),
            WatchdogNotice::Stopped(20),
            WatchdogNotice::Terminating(EndReason::MaxRuntime),
            WatchdogNotice::Ended(-1),
            WatchdogNotice::Leftover(Leftover {
                pid: 812,
                others: 3,
                name: *b"sleep\0\0\0\0\0\0\0\0\0\0\0",
            }),
            WatchdogNotice::PassedOn,
            WatchdogNotice::Gone(EndReason::Deadline),
        ] {
            assert_eq!(WatchdogNotice::decode(notice.encode()), Some(notice));
        }
    }
}
