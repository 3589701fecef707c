//! Wakes the waiters of one client when something happens to lock files: inotify(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;
use tokio::sync::Notify;

/// One inotify instance, from the first wait on until the client is dropped, since the kernel takes
/// ten milliseconds to close one (it waits for all that may be using a watch). Where there is none
/// to be had (a user has 128), and for a change that comes before the watch, waiters have to look
/// by themselves now and then.
#[derive(Default)]
pub(super) struct FileWatch {
    inotify: OnceLock<Option<pipe::Receiver>>,
    woken: Notify,
}

impl FileWatch {
    /// Ends when someone closes, removes or moves the file, and also without a reason.
    /// Cancel-safe.
    pub(super) async fn changed(&self, file: &impl AsFd) {
        // A file that is removed or replaced loses a link, which is a change of its attributes.
        self.woken_by(
            file,
            WatchFlags::CLOSE | WatchFlags::ATTRIB | WatchFlags::MOVE_SELF,
        )
        .await;
    }

    /// Ends when a file of the directory is written or closed by who may have written to it, and
    /// also without a reason. One that was only read does not end it. Cancel-safe.
    pub(super) async fn written(&self, directory: &impl AsFd) {
        self.woken_by(directory, WatchFlags::CLOSE_WRITE | WatchFlags::MODIFY)
            .await;
    }

    async fn woken_by(&self, file: &impl AsFd, events: WatchFlags) {
        let inotify = self.inotify.get_or_init(|| start().ok());
        if let Some(inotify) = inotify
            && watch(inotify, file, events).is_ok()
        {
            tokio::select! {
                () = self.woken.notified() => return,
                Ok(()) = inotify.readable() => {
                    // Whose event it is does not matter: all look for themselves.
                    let mut events = [0; 4096];
                    while inotify.try_read(&mut events).is_ok_and(|length| length > 0) {}
                    self.woken.notify_waiters();
                    return;
                }
                else => {}
            }
        }
        std::future::pending().await
    }
}

fn start() -> io::Result<pipe::Receiver> {
    // tokio has no type for it, and waits for it as for a pipe.
    pipe::Receiver::from_owned_fd_unchecked(inotify::init(
        CreateFlags::NONBLOCK | CreateFlags::CLOEXEC,
    )?)
}

/// Watches this very file or directory, whatever happens to its name. The watch ends with the first
/// event (IN_ONESHOT), so that one whose waiter has gone does not stay for ever.
fn watch(inotify: &impl AsFd, file: &impl AsFd, events: WatchFlags) -> io::Result<()> {
    inotify::add_watch(
        inotify,
        format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()),
        events | WatchFlags::ONESHOT,
    )?;
    Ok(())
}
