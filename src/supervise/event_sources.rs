//! What the watchdog waits on: main's end of the link, the time, and news of its children.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::{children, host};
use crate::clock::Instant;

/// How often time and children are looked at where no descriptor tells of them.
const LOOK: Duration = Duration::from_millis(20);

/// Made before the fork: there is nobody to tell of a failure after it.
pub(super) struct EventSources {
    pub(super) link: OwnedFd,
    /// `None` where it is refused.
    timer: Option<OwnedFd>,
    children: Option<OwnedFd>,
}

/// What there is to look at.
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

    /// Takes the news of children: only that there is some counts.
    pub(super) fn drain_children(&self) {
        if let Some(children) = &self.children {
            children::drain(children);
        }
    }

    /// Waits for any of them, for the timer, or for so long. The link of a main that is gone stays
    /// readable for ever: it is left out.
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
        let mut found = descriptors.iter().map(|fd| !fd.revents().is_empty());
        let [link, _, news, executed] =
            all.map(|watched| watched.is_some() && found.next() == Some(true));
        Ready {
            link,
            children: news || children.is_none(),
            executed,
        }
    }
}

/// What is refused is done without; what is short is an error.
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
