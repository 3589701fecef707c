//! Looking at processes through proc(5).

use std::fs;

use crate::genlock::poll;

/// The state letter; `None` when there is no such process.
pub(crate) fn state(pid: i32) -> Option<char> {
    fields(pid)?.chars().next()
}

/// What proc(5) says in `stat` from the state on.
fn fields(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in between can have anything in it.
    stat.rsplit(") ").next().map(str::to_owned)
}

/// Whether it runs no more; one that nobody has reaped is dead too.
pub(crate) fn is_dead(pid: i32) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}

/// Whether it is dead, or about to be: it has begun to end (PF_EXITING in its flags), closes its files, and
/// will not run anything of its program again.
pub(crate) fn runs_nothing(pid: i32) -> bool {
    const EXITING: u64 = 0x4;
    let flags = fields(pid).and_then(|fields| fields.split(' ').nth(6)?.parse().ok());
    is_dead(pid) || flags.is_none_or(|flags: u64| flags & EXITING != 0)
}

pub(crate) fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

/// The name in ps(1).
pub(crate) fn name(pid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let numbers = children.split_whitespace();
    numbers.filter_map(|number| number.parse().ok()).collect()
}

pub(crate) fn parent(pid: i32) -> i32 {
    field(pid, 1) as i32
}

/// A number of `/proc/PID/stat`, counted from the state.
fn field(pid: i32, index: usize) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let field = stat
        .rsplit(") ")
        .next()
        .and_then(|fields| fields.split(' ').nth(index));
    field
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// The watchdog of a genlock, once it has taken its name.
pub(crate) fn watchdog(genlock: i32) -> i32 {
    let mut found = Vec::new();
    poll("the watchdog", || {
        found = children(genlock);
        found.retain(|&pid| name(pid) == "lock-watchdog");
        found.len() == 1
    });
    found[0]
}

/// Every living process that was given this argument.
pub(crate) fn with_argument(argument: &str) -> Vec<i32> {
    let all = fs::read_dir("/proc").expect("proc(5)");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid: &i32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut arguments = arguments.split(|&byte| byte == 0);
        !is_dead(pid) && arguments.any(|found| found == argument.as_bytes())
    })
    .collect()
}

/// Whether this program is here; if not, says that a test is skipped for it.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(program).exists());
    if !found {
        eprintln!("skipped: no {program} here");
    }
    found
}
