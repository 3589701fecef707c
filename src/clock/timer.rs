//! One timer of the kernel's (timerfd_create(2)) for all sleepers of a runtime: with one for each, a
//! service with hundreds of locks would run out of descriptors.
//!
//! A task of that runtime waits for the timer, which is set for the earliest sleeper, and wakes those
//! whose time has come. The task ends when the timer goes off and there is no sleeper left.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::net::unix::pipe;
use tokio::runtime::{Handle, Id};

use super::Instant;

/// The timer of each runtime.
static TIMERS: Mutex<Vec<(Id, Weak<Timer>)>> = Mutex::new(Vec::new());

pub(super) struct Timer {
    /// The timerfd. tokio has no type for one, and waits for it as for a pipe.
    descriptor: pipe::Receiver,
    state: Mutex<Sleepers>,
}

#[derive(Default)]
struct Sleepers {
    /// By the end of their sleep, and a number of their own.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    /// The instant that the timer is set for.
    set: Option<Instant>,
    /// Whether the task that waits for the timer has ended, or is about to.
    over: bool,
}

impl Timer {
    /// The timer of the present runtime, made if there is none.
    pub(super) fn of_this_runtime() -> io::Result<Arc<Self>> {
        let runtime = Handle::current().id();
        let mut timers = TIMERS.lock().unwrap_or_else(PoisonError::into_inner);
        timers.retain(|(_, timer)| timer.upgrade().is_some_and(|timer| !timer.state().over));
        if let Some((_, timer)) = timers.iter().find(|(id, _)| *id == runtime)
            && let Some(timer) = timer.upgrade()
        {
            return Ok(timer);
        }
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = rustix::time::timerfd_create(TimerfdClockId::Boottime, flags)?;
        let timer = Arc::new(Self::new(descriptor)?);
        timers.push((runtime, Arc::downgrade(&timer)));
        tokio::spawn(drive(Driver(timer.clone())));
        Ok(timer)
    }

    fn new(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            descriptor: pipe::Receiver::from_owned_fd_unchecked(descriptor)?,
            state: Mutex::default(),
        })
    }

    /// Sets the timer for the earliest sleeper. Without any it stays as it is.
    fn set(&self, state: &mut Sleepers) -> io::Result<()> {
        let first = state.sleepers.keys().next().map(|(at, _)| *at);
        let Some(first) = first.filter(|_| first != state.set) else {
            return Ok(());
        };
        let setting = Itimerspec {
            it_interval: Timespec::default(),
            it_value: first.timespec(),
        };
        let absolute = TimerfdTimerFlags::ABSTIME;
        rustix::time::timerfd_settime(&self.descriptor, absolute, &setting)?;
        state.set = Some(first);
        Ok(())
    }

    /// Ends at this instant, or earlier if the timer's task ends.
    pub(super) fn sleep(self: Arc<Self>, until: Instant) -> Sleep {
        Sleep {
            timer: self,
            until,
            number: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, Sleepers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the timer's task owns. At the end of the task, or of its runtime, it wakes all sleepers.
struct Driver(Arc<Timer>);

async fn drive(driver: Driver) {
    let timer = &*driver.0;
    while timer.descriptor.readable().await.is_ok() {
        // How often it has gone off.
        let mut count = [0; 8];
        match timer.descriptor.try_read(&mut count) {
            Ok(_) => {}
            // The timer was set for another instant after it had gone off.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let due = {
            let mut state = timer.state();
            state.set = None;
            // If a test has paused the clock, all wake, and sleep on by that one.
            let now = match super::paused_now() {
                Some(_) => Instant::from_boot(Duration::MAX),
                None => Instant::now(),
            };
            let later = state.sleepers.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut state.sleepers, later);
            state.over = state.sleepers.is_empty() || timer.set(&mut state).is_err();
            due
        };
        due.into_values().for_each(Waker::wake);
        if timer.state().over {
            return;
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.state();
            state.over = true;
            std::mem::take(&mut state.sleepers)
        };
        left.into_values().for_each(Waker::wake);
    }
}

/// The sleep of one of them.
pub(super) struct Sleep {
    timer: Arc<Timer>,
    until: Instant,
    /// Its number among the sleepers, once it is one.
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.until <= Instant::now() || super::paused_now().is_some() {
            return Poll::Ready(());
        }
        let timer = self.timer.clone();
        let mut state = timer.state();
        if state.over {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        let waker = context.waker().clone();
        let before = state.sleepers.insert((self.until, number), waker);
        let set = timer.set(&mut state);
        // With the last waker of a task that task is dropped, and with it perhaps another sleeper,
        // which locks the mutex.
        drop(state);
        drop(before);
        match set {
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = self.timer.state().sleepers.remove(&(self.until, number));
            drop(waker);
        }
    }
}
