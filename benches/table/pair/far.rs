//! From the start to the command's first instruction, near to the store and far from it.

use super::{Builds, Compared, in_turns};
use crate::rows::distance::Far;
use crate::sample::Sample;
use crate::stage::{Stage, until_probe};

pub(super) fn first(stage: &Stage, builds: Builds) -> Vec<Compared> {
    let (key, endpoint) = (stage.key(), stage.server.endpoint());
    let near = in_turns(builds, stage.times(200), |tool, sample: &mut Sample| {
        sample.push_time(until_probe(stage.run_probe(tool, &endpoint, &key)));
    });
    let far = Far::new(stage);
    let [plain, tls] = [false, true].map(|with_tls| {
        in_turns(builds, stage.times(60), |tool, sample: &mut Sample| {
            sample.push_time(far.until_first(stage, tool, with_tls));
        })
    });
    let what = "start to the command's first instruction";
    vec![
        Compared::median(what, "ms, median", &near),
        Compared::median(format!("{what}, 10 ms away"), "ms, median", &plain),
        Compared::median(format!("{what}, 10 ms away, TLS"), "ms, median", &tls),
    ]
}
