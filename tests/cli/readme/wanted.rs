//! The table near the top of README, of what people want to do: each line in it is typed, in its order.

use super::{Newcomer, block};
use crate::docs::pages;
use crate::support::etcd::Server;

/// The lines of each row.
fn rows() -> Vec<Vec<String>> {
    let page = pages().remove(0);
    let (_, table) = page
        .text
        .split_once("## What do you want to do?\n")
        .expect("a table");
    let rows = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let rows = rows.skip(2).map(|row| {
        let typed = row.split('|').nth(2).expect("two columns");
        let lines = typed.split('`').skip(1).step_by(2);
        let lines = lines.filter(|line| line.contains("genlock "));
        lines.map(str::to_owned).collect()
    });
    rows.collect()
}

fn newcomer(server: &Server) -> Newcomer {
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    for name in [
        "report.sh",
        "nightly.sh",
        "train.sh",
        "backup.sh",
        "bin/make",
    ] {
        newcomer.program(name);
    }
    newcomer
}

#[test]
fn each_line_does_what_is_wanted() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    let rows = rows();
    assert!(rows.len() > 4, "{rows:?}");
    for line in rows.concat() {
        let said = newcomer.typed(&line);
        match line.as_str() {
            status if status.starts_with("genlock status") => {
                assert!(said.silent(1).text().ends_with(": free"), "{line}");
            }
            // No run was to leave anything.
            history if history.contains("history") => {
                assert!(said.one_line().contains("no run is kept"), "{said:?}");
            }
            // Nothing is held.
            ls if ls.contains("ls") => {
                said.silent(0);
            }
            release if release.ends_with("genlock release") => {
                assert_eq!(said.silent(0).text(), "", "{line}");
            }
            take if take.contains(">lock") => assert_eq!(said.silent(0).text(), "", "{line}"),
            _ => assert_ne!(said.silent(0).text(), "", "{line}"),
        }
    }
    assert_eq!(
        server
            .keys()
            .iter()
            .filter(|key| !key.contains(".once:"))
            .count(),
        0
    );
}

#[test]
fn the_steps_of_a_job_on_any_service() {
    let server = Server::start();
    let newcomer = newcomer(&server);
    let script = block("genlock acquire --wait 30m --pid none");
    let steps = script
        .lines()
        .map(|step| newcomer.typed(step).silent(0).text().to_owned());
    assert_eq!(steps.collect::<Vec<_>>(), ["", "bin/make deploy", ""]);
    assert!(server.keys().is_empty());
}
