//! What docs/once.md shows.

use super::{Newcomer, block};
use crate::support::etcd::Server;

#[test]
fn each_is_done_once() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    let programs = ["backup.sh", "report.sh", "import.sh"];
    for program in programs {
        newcomer.program(program);
    }
    let script = block("genlock run --once-per day /locks/backup --");
    let said = newcomer.typed(&script).silent(0);
    assert_eq!(said.text(), programs.join("\n"));
    assert_eq!(newcomer.typed(&script).silent(0).text(), "");
}
