//! What the watchdog waits on: main's end of the link, the time, and news of its children.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::tree;
use crate::clock::Instant;

/// Made before the fork: there is nobody to tell of a failure after it.
pub(super) struct Senses {
    pub(super) link: OwnedFd,
    timer: OwnedFd,
    pub(super) children: OwnedFd,
}

/// What there is to look at.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) link: bool,
    pub(super) children: bool,
    pub(super) executed: bool,
}

impl Senses {
    pub(super) fn new(link: OwnedFd) -> io::Result<Self> {
        let timer = rustix::time::timerfd_create(
            TimerfdClockId::Boottime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        Ok(Self {
            link,
            timer,
            children: tree::news()?,
        })
    }

    /// Arms the timer for whatever is due next.
    pub(super) fn set_timer(&self, due: Option<Instant>) {
        // All zeroes disarm (timerfd_create(2)).
        let never = Instant::from_boot(Duration::ZERO);
        let setting = Itimerspec {
            it_interval: never.timespec(),
            it_value: due.unwrap_or(never).timespec(),
        };
        let _ = rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting);
    }

    /// Waits for any of them, for the timer, or for so long, which is less than a second.
    pub(super) fn wait(&self, executed: Option<&OwnedFd>, timeout: Option<Duration>) -> Ready {
        let mut descriptors = [
            PollFd::new(&self.link, PollFlags::IN),
            PollFd::new(&self.timer, PollFlags::IN),
            PollFd::new(&self.children, PollFlags::IN),
            PollFd::new(executed.unwrap_or(&self.timer), PollFlags::IN),
        ];
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: 0,
            tv_nsec: timeout.subsec_nanos().into(),
        });
        if rustix::event::poll(&mut descriptors, timeout.as_ref()).is_err() {
            return Ready::default();
        }
        let [link, _, children, ended] = descriptors.map(|fd| !fd.revents().is_empty());
        Ready {
            link,
            children,
            executed: ended && executed.is_some(),
        }
    }
}
