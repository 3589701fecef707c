//! A store that is far away.

use std::time::Duration;

use crate::etcd::Server;
use crate::report::Figure;
use crate::sample::Sample;
use crate::slow;
use crate::stage::{Stage, address, start, until_probe};
use crate::tool::{Tool, over_tls};

const ROUND_TRIP: Duration = Duration::from_millis(10);

/// An etcd that is reached without TLS and one that is reached with it, both a round trip away.
pub(crate) struct Far {
    plain: String,
    tls: String,
    secure: Server,
    key: String,
}

impl Far {
    pub(crate) fn new(stage: &Stage) -> Self {
        let secure = start(1, true).remove(0);
        let plain = slow::before(address(&stage.server.endpoint()), ROUND_TRIP);
        let tls = slow::before(address(&secure.endpoint()), ROUND_TRIP);
        Self {
            plain: format!("http://{plain}"),
            tls: format!("https://{tls}"),
            secure,
            key: stage.key(),
        }
    }

    /// From the tool's start to its command's first instruction.
    pub(crate) fn until_first(&self, stage: &Stage, tool: Tool, with_tls: bool) -> Duration {
        let endpoint = if with_tls { &self.tls } else { &self.plain };
        let command = stage.run_probe(tool, endpoint, &self.key);
        until_probe(if with_tls {
            over_tls(tool, &self.secure.file(""), command)
        } else {
            command
        })
    }
}

pub(crate) fn distance(stage: &Stage) -> Vec<Figure> {
    let far = Far::new(stage);
    // In the order of `runs`. The floor has no TLS.
    let mut samples = [(); 5].map(|()| Sample::default());
    for _ in 0..stage.times(30) {
        let runs = [
            (Tool::Genlock, false),
            (Tool::Genlock, true),
            (Tool::Etcdctl, false),
            (Tool::Etcdctl, true),
            (Tool::Floor, false),
        ];
        for ((tool, with_tls), sample) in runs.into_iter().zip(&mut samples) {
            let first = far.until_first(stage, tool, with_tls);
            sample.push(first.as_secs_f64() / ROUND_TRIP.as_secs_f64());
        }
    }
    let [plain, tls, etcdctl, etcdctl_tls, floor] = &samples;
    let unit = "round trips";
    let of = "start to the command's first instruction, 10 ms from the store";
    vec![
        Figure::new(format!("{of}, plain TCP"))
            .at_most(4.0, plain.median(), unit)
            .bar("genlock", plain.median(), format!("{plain} {unit}"))
            .bar("floor", floor.median(), format!("{floor} {unit}"))
            .bar(
                "etcdctl lock",
                etcdctl.median(),
                format!("{etcdctl} {unit}"),
            ),
        Figure::new(format!("{of}, over TLS"))
            .at_most(5.0, tls.median(), unit)
            .bar("genlock", tls.median(), format!("{tls} {unit}"))
            .bar(
                "etcdctl lock",
                etcdctl_tls.median(),
                format!("{etcdctl_tls} {unit}"),
            ),
    ]
}
