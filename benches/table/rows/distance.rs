//! A store that is far away.

use std::time::Duration;

use crate::report::Figure;
use crate::sample::Sample;
use crate::slow;
use crate::stage::{Stage, address, start, until_probe};
use crate::tool::{Tool, over_tls};

const ROUND_TRIP: Duration = Duration::from_millis(10);

pub(crate) fn distance(stage: &Stage) -> Vec<Figure> {
    let secure = start(1, true).remove(0);
    let files = secure.file("");
    let plain = slow::before(address(&stage.server.endpoint()), ROUND_TRIP);
    let tls = slow::before(address(&secure.endpoint()), ROUND_TRIP);
    let (plain, tls) = (format!("http://{plain}"), format!("https://{tls}"));
    let key = stage.key();
    // Plain and TLS of genlock, of etcdctl; the floor knows no TLS.
    let mut samples = [(); 5].map(|()| Sample::default());
    for _ in 0..stage.times(30) {
        let over = |tool| {
            let command = stage.run_probe(tool, &tls, &key);
            over_tls(tool, &files, command)
        };
        let commands = [
            stage.run_probe(Tool::Genlock, &plain, &key),
            over(Tool::Genlock),
            stage.run_probe(Tool::Etcdctl, &plain, &key),
            over(Tool::Etcdctl),
            stage.run_probe(Tool::Floor, &plain, &key),
        ];
        for (command, sample) in commands.into_iter().zip(&mut samples) {
            sample.push(until_probe(command).as_secs_f64() / ROUND_TRIP.as_secs_f64());
        }
    }
    let [plain, tls, etcdctl, etcdctl_tls, floor] = &samples;
    let unit = "round trips";
    let of = "start to the command's first instruction, 10 ms from the store";
    vec![
        Figure::new(format!("{of}, plain TCP"))
            .at_most(3.0, plain.median(), unit)
            .bar("genlock", plain.median(), format!("{plain} {unit}"))
            .bar("floor", floor.median(), format!("{floor} {unit}"))
            .bar(
                "etcdctl lock",
                etcdctl.median(),
                format!("{etcdctl} {unit}"),
            ),
        Figure::new(format!("{of}, TLS with a client certificate"))
            .at_most(4.0, tls.median(), unit)
            .bar("genlock", tls.median(), format!("{tls} {unit}"))
            .bar(
                "etcdctl lock",
                etcdctl_tls.median(),
                format!("{etcdctl_tls} {unit}"),
            ),
    ]
}
