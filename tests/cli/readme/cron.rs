//! The lines of crontabs, under Debian's cron: all of them, in a minute that a wrong clock of cron's own
//! makes come at once. What they print arrives as a mail.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{Newcomer, blocks};
use crate::genlock::{Run, bare, output, poll};
use crate::process::has;
use crate::support::etcd::Server;

/// What the lines run, beside what there is on a host.
const PROGRAMS: [&str; 5] = ["report.sh", "nightly.sh", "sync.sh", "dump.sh", "curl"];

/// A program that a line names in full.
const INSTALLED: &str = "/usr/local/sbin/upgrade";

/// Four seconds before a minute begins: if cron took longer to start it would wait for the next.
const CLOCK: &str = "2026-01-05 02:59:56";

/// Puts what cron looks at in place, in a mount namespace: nobody's crontab alone, and a sendmail that
/// writes each mail to a file of its own.
const PLACE: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs /usr/local
mount -t tmpfs -o mode=755 tmpfs /var/spool/cron
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /etc/cron.d
mount --bind /dev/null /etc/crontab
# What faketime has there goes by the process number, of which there is another namespace.
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/usr/sbin,upperdir=/mnt/upper,workdir=/mnt/work overlay /usr/sbin
mkdir -m 1730 /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
"#;

/// A command in namespaces of its own, which end with it.
fn apart(script: &str) -> Command {
    let mut command = bare("unshare");
    command.args(["-m", "-p", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", script]);
    command
}

/// Whether there is a cron here that can be started so.
fn has_cron() -> bool {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can start cron");
        return false;
    }
    if !has("cron") || !has("faketime") {
        return false;
    }
    let can = output(apart(PLACE)).status.success();
    if !can {
        eprintln!("skipped: no namespaces, or no overlay in them, to be had here");
    }
    can
}

/// The settings and the jobs of all crontabs, each with its times in front.
fn jobs() -> Vec<(Vec<String>, String)> {
    let mut jobs = Vec::new();
    for table in blocks().iter().filter(|block| block.language == "crontab") {
        let mut settings = Vec::new();
        for line in table.text.lines() {
            match line.contains("  ") {
                true => jobs.push((settings.clone(), line.to_owned())),
                false => settings.push(line.to_owned()),
            }
        }
    }
    assert!(jobs.len() > 5, "{jobs:?}");
    jobs
}

/// The lines for one minute: each job on locks of its own, and each that skips once more on locks that are
/// held.
fn table(home: &Path, endpoint: &str) -> (String, usize) {
    let mut table = format!("HOME={}\n", home.display());
    let mut skips = 0;
    for (at, (settings, job)) in jobs().into_iter().enumerate() {
        for setting in settings {
            let (name, value) = setting.split_once('=').expect("a setting");
            let value = if name == "GENLOCK_ENDPOINTS" {
                endpoint
            } else {
                value
            };
            table += &format!("{name}={value}\n");
        }
        let (_, command) = job.split_once("  ").expect("times and a command");
        // No minute is waited, and nobody else's server asked.
        let command = command
            .replace("shuf -i 0-59", "shuf -i 0-0")
            .replace("curl ", "./curl ");
        let own = command.replace("/locks/", &format!("/locks/{at}/"));
        table += &format!("* * * * *  {own}\n");
        if command.contains("--try -E 0 -q") {
            skips += 1;
            let held = command.replace("/locks/", "/held/");
            table += &format!("* * * * *  {held}; echo $? >>skipped\n");
        }
    }
    (table, skips)
}

/// All mails that have come.
fn mails(directory: &Path) -> String {
    let entries = fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let whole = paths.filter(|path| path.extension().is_some());
    whole
        .map(|path| fs::read_to_string(path).expect("a mail"))
        .collect()
}

/// The locks of the lines that skip, held as long as the run is not ended.
fn hold(newcomer: &Newcomer) -> Run {
    let host = output(bare("hostname"));
    let sync = format!("sync/{}", host.text());
    let keys = ["report", "nightly", "dump", &sync];
    let held = keys.map(|key| format!("genlock run /held/{key} "));
    let script = "sh -c 'echo ready $$; exec sleep 600'";
    let holder = Run::start(newcomer.types(&format!("exec {}{script}", held.concat())));
    holder.ready();
    holder
}

/// Starts cron with this table, once it has taken each crontab as it is shown.
fn start(newcomer: &Newcomer, mail: &Path, table: &str) -> Run {
    let (home, mail) = (newcomer.home().display(), mail.display());
    let mut script = format!(
        "{PLACE}
         cd {home}
         install -D bin/genlock /usr/local/bin/genlock
         printf '#!/bin/sh\necho upgrade' >u; install -D u {INSTALLED}
         printf '#!/bin/sh\ncat >{mail}/$$ && mv {mail}/$$ {mail}/$$.eml\n' >s
         install s /usr/sbin/sendmail\n"
    );
    for (at, (settings, job)) in jobs().iter().enumerate() {
        let text = format!("{}\n{job}\n", settings.join("\n"));
        newcomer.file(&format!("{at}.tab"), &text);
        script += &format!("crontab -u nobody {at}.tab\n");
    }
    newcomer.file("all.tab", table);
    script += &format!("crontab -u nobody all.tab\nexec faketime '{CLOCK}' cron -f\n");
    Run::start(apart(&script))
}

#[test]
fn in_a_crontab() {
    if !has_cron() {
        return;
    }
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    PROGRAMS.iter().for_each(|name| newcomer.program(name));
    let mail = newcomer.path("mail");
    fs::create_dir(&mail).expect("a directory");
    fs::set_permissions(&mail, Permissions::from_mode(0o777)).expect("a mode");
    let holder = hold(&newcomer);
    let (table, skips) = table(newcomer.home(), &server.endpoint());
    let mut cron = Some(start(&newcomer, &mail, &table));
    let read = |name: &str| fs::read_to_string(newcomer.path(name)).unwrap_or_default();
    let mut expected = PROGRAMS.to_vec();
    expected.push("upgrade");
    poll("all that the jobs do", || {
        let ended = cron.take_if(Run::has_ended).map(Run::finish);
        assert!(ended.is_none(), "{ended:?}");
        let mails = mails(&mail);
        let said = |name: &&str| mails.contains(&format!("\n{name}"));
        expected.iter().all(said)
            && read("report.log") == "report.sh\n"
            && read("skipped").lines().count() == skips
    });
    // Who finds that another is at it says so to nobody.
    assert_eq!(read("skipped"), "0\n".repeat(skips));
    assert!(skips > 3 && !mails(&mail).contains("/held/"));
    drop(cron);
    holder.end();
}
