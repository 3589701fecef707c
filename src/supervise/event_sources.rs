//! What the watchdog waits on: the link with main, a timer, and changes of its children.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::{children, host};
use crate::clock::Instant;

/// The pause between two looks at the time and the children where there is no timerfd or signalfd.
const LOOK: Duration = Duration::from_millis(20);

/// Made before the fork, so that main can report a failure.
pub(super) struct EventSources {
    pub(super) link: OwnedFd,
    /// `None` where a sandbox or an emulator refuses it, as for `children`.
    timer: Option<OwnedFd>,
    children: Option<OwnedFd>,
}

/// Which of them are ready.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) link: bool,
    pub(super) children: bool,
    pub(super) executed: bool,
}

impl EventSources {
    pub(super) fn new(link: OwnedFd) -> io::Result<Self> {
        let timer = rustix::time::timerfd_create(
            TimerfdClockId::Boottime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        );
        Ok(Self {
            link,
            timer: unless_refused(timer)?,
            children: unless_refused(children::events())?,
        })
    }

    /// Arms the timer for whatever is due next.
    pub(super) fn set_timer(&self, due: Option<Instant>) {
        let Some(timer) = &self.timer else {
            return;
        };
        // All zeroes disarm (timerfd_create(2)).
        let never = Instant::from_boot(Duration::ZERO);
        let setting = Itimerspec {
            it_interval: never.timespec(),
            it_value: due.unwrap_or(never).timespec(),
        };
        let _ = rustix::time::timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &setting);
    }

    /// Empties the signalfd, of which nothing but its readiness counts.
    pub(super) fn drain_children(&self) {
        if let Some(children) = &self.children {
            children::drain(children);
        }
    }

    /// Waits until one of them is ready, the timer goes off, or `timeout` has passed. Without main the
    /// link is left out: its end of file would be readable for ever.
    pub(super) fn wait(
        &self,
        main_is_there: bool,
        executed: Option<&OwnedFd>,
        timeout: Option<Duration>,
    ) -> Ready {
        let link = main_is_there.then_some(&self.link);
        let (timer, children) = (self.timer.as_ref(), self.children.as_ref());
        let all = [link, timer, children, executed];
        let mut descriptors: [_; 4] =
            std::array::from_fn(|_| PollFd::new(&self.link, PollFlags::IN));
        let mut count = 0;
        for descriptor in all.into_iter().flatten() {
            descriptors[count] = PollFd::new(descriptor, PollFlags::IN);
            count += 1;
        }
        let timeout = match timeout {
            _ if timer.is_some() && children.is_some() => timeout,
            timeout => Some(timeout.map_or(LOOK, |timeout| timeout.min(LOOK))),
        };
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        if rustix::event::poll(&mut descriptors[..count], timeout.as_ref()).is_err() {
            return Ready::default();
        }
        let mut ready = descriptors.iter().map(|fd| !fd.revents().is_empty());
        let [link, _, signalled, executed] =
            all.map(|watched| watched.is_some() && ready.next() == Some(true));
        Ready {
            link,
            children: signalled || children.is_none(),
            executed,
        }
    }
}

/// `None` where the host refuses it. That there are too many descriptors, say, is an error.
fn unless_refused(made: Result<OwnedFd, Errno>) -> io::Result<Option<OwnedFd>> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) if host::is_refused(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::link;

    #[test]
    fn a_pause_can_be_longer_than_a_second() {
        let (_ours, theirs) = link::pair().unwrap();
        let sources = EventSources::new(theirs).unwrap();
        let (begun, pause) = (Instant::now(), Duration::from_millis(1005));
        sources.wait(true, None, Some(pause));
        assert!(Instant::now().since(begun) >= pause);
    }
}
