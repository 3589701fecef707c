//! Crontabs and units: every one, as cron and systemd would take it.

use super::installed::{built, host, lines};
use super::{Newcomer, blocks};
use crate::genlock::output;
use crate::process::has;
use crate::support::etcd::Server;

/// A crontab's settings, and the commands of its jobs.
fn parsed(table: &str) -> (Vec<(&str, &str)>, Vec<&str>) {
    let (mut settings, mut commands) = (Vec::new(), Vec::new());
    for line in table.lines() {
        if let Some((times, command)) = line.split_once("  ") {
            assert_eq!(times.split(' ').count(), 5, "{times}");
            assert!(!command.contains('%'), "which cron takes for a line's end");
            commands.push(command);
        } else {
            settings.push(line.split_once('=').expect("a setting"));
        }
    }
    (settings, commands)
}

/// Programs that the jobs run, beside the user's own.
const INSTALLED: &str = "/usr/local/sbin/upgrade";

/// The jobs with the environment that Debian's cron gives (crontab(5)).
#[test]
fn in_a_crontab() {
    let server = Server::start();
    let newcomer = Newcomer::new();
    built(&newcomer);
    for program in ["report.sh", "nightly.sh", "sync.sh", "dump.sh", "curl"] {
        newcomer.program(program);
    }
    let home = newcomer.home().display();
    let mut script = format!(
        "{}\nset -e; cd {home}; install -D report.sh {INSTALLED}\n",
        lines()
    );
    let mut count = 0;
    for table in blocks().iter().filter(|block| block.language == "crontab") {
        let (settings, commands) = parsed(&table.text);
        let settings = settings.iter().map(|(name, value)| match *name {
            "GENLOCK_ENDPOINTS" => format!("{name}={}", server.endpoint()),
            _ => format!("{name}={value}"),
        });
        let settings = settings.collect::<Vec<_>>().join(" ");
        for command in commands {
            count += 1;
            // No minute is waited, and nobody else's server asked.
            let command = command
                .replace("sleep 60", "sleep 0")
                .replace("sleep $(shuf -i 0-59 -n1)", "sleep $(shuf -i 0-0 -n1)")
                .replace("curl ", "./curl ")
                .replace('\'', "'\\''");
            script += &format!(
                "setpriv --reuid=65534 --regid=65534 --clear-groups env -i HOME={home} LOGNAME=nobody \
                 SHELL=/bin/sh PATH=/usr/bin:/bin {settings} /bin/sh -c '{command}'\n"
            );
        }
    }
    assert!(count > 4, "{count}");
    if let Some(command) = host(&script, newcomer.home()) {
        let said = output(command).silent(0);
        let told = said.text();
        for program in ["report.sh", "nightly.sh", "sync.sh", "dump.sh", "curl"] {
            assert!(told.contains(program), "{program}: {told}");
        }
    }
}

#[test]
fn units_for_systemd() {
    if !has("systemd-analyze") {
        return;
    }
    let newcomer = Newcomer::new();
    let here = newcomer.home().display().to_string();
    let program = "ExecStart=/usr/local/bin/genlock";
    let blocks = blocks();
    let units: Vec<_> = blocks
        .iter()
        .filter(|block| block.language == "ini")
        .collect();
    assert!(units.len() > 1);
    for unit in units {
        assert!(unit.text.contains(program), "{}", unit.text);
        let text = unit
            .text
            .replace(program, &format!("ExecStart={here}/bin/genlock"));
        newcomer.file("backup.service", &text);
        let said = newcomer.typed("systemd-analyze verify ./backup.service");
        assert_eq!(said.status.code(), Some(0), "{said:?}");
        assert!(!said.stderr.contains("backup.service:"), "{said:?}");
    }
}
