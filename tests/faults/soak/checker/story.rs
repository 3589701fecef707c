//! The lines of a history, put together again: what became of each run, and when something failed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::super::asking::Sharing;

/// A time of CLOCK_BOOTTIME. The tool's are cut off to a millisecond.
pub(in super::super) type Time = Duration;

/// By how much a time of the tool's may be earlier than what it is of.
pub(super) const CUT: Duration = Duration::from_millis(1);

/// What a host needs that was paused until all runs again that should, and is dead that should be.
const AWAKE: Duration = Duration::from_millis(500);

/// All of it.
pub(in super::super) struct Story {
    /// In the order in which they asked.
    pub(super) runs: Vec<Run>,
    pub(super) troubles: Vec<Trouble>,
    /// When nothing at all ran on this host.
    pauses: Vec<(Time, Time)>,
    /// What cannot be.
    pub(super) nonsense: Vec<String>,
}

/// What became of a run.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
    pub(super) sharing: Sharing,
    pub(super) latest: bool,
    pub(super) ttl: Duration,
    pub(super) has_limit: bool,
    pub(super) host: u64,
    pub(super) asked: Time,
    /// Its places in the queue, one after the other, as far as it told of them.
    pub(super) places: Vec<Place>,
    /// What it held last.
    pub(super) grant: Option<Grant>,
    pub(super) section: Option<Section>,
    /// When it was sent away by a newer one.
    pub(super) superseded: Option<Time>,
    pub(super) released: Option<Time>,
    pub(super) over: Option<(Time, Option<i64>)>,
}

/// A place in the queue.
pub(super) struct Place {
    /// It is the token too.
    pub(super) token: u64,
    /// When it was told.
    pub(super) told: Time,
    /// Whether it was told that this place was lost.
    pub(super) is_lost: bool,
}

/// A lock that was given.
pub(super) struct Grant {
    pub(super) token: u64,
    pub(super) index: Option<u64>,
    pub(super) at: Time,
    /// Until when, with the last renewal that was told; `None` where a lock does not run out.
    pub(super) deadline: Option<Time>,
    /// When genlock said that nothing of the command lives, or that the lock is lost.
    pub(super) ended: Option<Time>,
    pub(super) lost: Option<Time>,
}

/// What the command did under the lock.
pub(super) struct Section {
    pub(super) token: u64,
    pub(super) index: Option<u64>,
    pub(super) first: Time,
    pub(super) last: Time,
    pub(super) is_done: bool,
    /// Key, number, and whose it is.
    pub(super) read: Vec<(String, u64, String)>,
    pub(super) wrote: Vec<(String, u64)>,
}

/// A time in which something failed.
pub(super) struct Trouble {
    pub(super) from: Time,
    pub(super) to: Time,
    is_over: bool,
    /// What it was on: the way to the store, the runs, or others, which all feel.
    on: String,
    /// Whom it concerned; all if there is none.
    hosts: Vec<u64>,
    victims: Vec<String>,
}

impl Trouble {
    /// Whether it concerned all, and with them the store.
    pub(super) fn is_of_all(&self) -> bool {
        self.hosts.is_empty() && self.victims.is_empty()
    }

    pub(super) fn concerns(&self, run: &Run) -> bool {
        self.is_of_all() || self.hosts.contains(&run.host) || self.victims.contains(&run.name)
    }
}

impl Run {
    /// The token of its last place, if it told of one.
    pub(super) fn token(&self) -> Option<u64> {
        let held = self.section.as_ref().map(|section| section.token);
        held.or(self.places.last().map(|place| place.token))
    }

    /// Whether both may hold at once, but for their number.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.sharing == other.sharing && self.sharing != Sharing::Alone
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token() {
            Some(token) => write!(f, "{} (token {token})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Story {
    pub(in super::super) fn of(text: &str) -> Self {
        let mut reader = Reader::default();
        for line in text.lines() {
            if reader.line(line).is_none() {
                reader.nonsense.push(format!("not understood: {line}"));
            }
        }
        let mut runs: Vec<Run> = reader.runs.into_values().collect();
        runs.sort_by_key(|run| run.asked);
        Self {
            runs,
            troubles: reader.troubles.into_values().collect(),
            pauses: reader.pauses,
            nonsense: reader.nonsense,
        }
    }

    /// Those who were in a section, in the order of their starts.
    pub(super) fn sections(&self) -> Vec<(&Run, &Section)> {
        let runs = self.runs.iter();
        let mut all: Vec<_> = runs
            .filter_map(|run| Some((run, run.section.as_ref()?)))
            .collect();
        all.sort_by_key(|(_, section)| section.first);
        all
    }

    /// For how long the host was paused between these, with a moment in which all wakes up; zero if it was
    /// not.
    pub(super) fn paused(&self, from: Time, to: Time) -> Duration {
        let pauses = self.pauses.iter();
        let pauses = pauses.filter(|(began, ended)| *began < to && *ended + AWAKE > from);
        let pauses = pauses.map(|(began, ended)| *ended + AWAKE - *began);
        pauses.sum()
    }

    /// When all was paused, and when it went on.
    pub(super) fn pauses(&self) -> &[(Time, Time)] {
        &self.pauses
    }

    /// All keys that were asked for.
    pub(super) fn keys(&self) -> Vec<&str> {
        let keys = self.runs.iter().flat_map(|run| &run.keys);
        let mut keys: Vec<_> = keys.map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[derive(Default)]
struct Reader {
    runs: BTreeMap<String, Run>,
    troubles: BTreeMap<u64, Trouble>,
    pauses: Vec<(Time, Time)>,
    nonsense: Vec<String>,
}

impl Reader {
    /// Takes in a line; `None` if it is not understood.
    fn line(&mut self, line: &str) -> Option<()> {
        let line: Value = serde_json::from_str(line).ok()?;
        let at = seconds(&line["boottime_seconds"])?;
        let (by, event) = (line["by"].as_str()?, line["event"].as_str()?);
        if by == "nemesis" {
            return self.trouble(event, at, &line);
        }
        if by == "host" {
            let paused = seconds(&line["paused_seconds"])?;
            self.pauses.push((at.saturating_sub(paused), at));
            return Some(());
        }
        let name = line["run"].as_str()?;
        if event == "asked" {
            self.runs.insert(name.to_owned(), asked(name, at, &line)?);
            return Some(());
        }
        let run = self.runs.get_mut(name)?;
        match by {
            "worker" => run.over = Some((at, line["status"].as_i64())),
            "genlock" => told(run, event, at, &line)?,
            _ => did(run, event, at, &line)?,
        }
        Some(())
    }

    fn trouble(&mut self, event: &str, at: Time, line: &Value) -> Option<()> {
        let number = || line["number"].as_u64();
        match event {
            "began" => {
                let for_ever = Duration::MAX;
                let trouble = Trouble {
                    from: at,
                    to: for_ever,
                    is_over: false,
                    on: line["on"].as_str()?.to_owned(),
                    hosts: Vec::new(),
                    victims: Vec::new(),
                };
                self.troubles.insert(number()?, trouble);
            }
            "hits" => {
                let victim = line["victim"].as_str().map(str::to_owned);
                // Two at most go on at a time.
                let open = self.troubles.values_mut().rev().take(4);
                for trouble in open.filter(|trouble| !trouble.is_over) {
                    match &*trouble.on {
                        "way" => trouble.hosts.extend(line["host"].as_u64()),
                        "runs" => trouble.victims.extend(victim.clone()),
                        _ => {}
                    }
                }
            }
            _ => {
                let trouble = self.troubles.get_mut(&number()?)?;
                (trouble.to, trouble.is_over) = (at, true);
            }
        }
        Some(())
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

fn asked(name: &str, at: Time, line: &Value) -> Option<Run> {
    let keys = line["keys"].as_array()?.iter();
    let keys: Option<Vec<_>> = keys.map(|key| key.as_str().map(str::to_owned)).collect();
    Some(Run {
        name: name.to_owned(),
        keys: keys?,
        sharing: Sharing::of(line["mode"].as_str()?)?,
        latest: line["latest"].as_bool().unwrap_or(false),
        ttl: seconds(&line["ttl_seconds"])?,
        has_limit: !line["wait_seconds"].is_null(),
        host: line["host"].as_u64().unwrap_or(0),
        asked: at,
        places: Vec::new(),
        grant: None,
        section: None,
        superseded: None,
        released: None,
        over: None,
    })
}

/// What its genlock told.
fn told(run: &mut Run, event: &str, at: Time, line: &Value) -> Option<()> {
    let deadline = seconds(&line["left_seconds"]).map(|left| at + left);
    match event {
        "waiting" => stands(run, at, line["token"].as_u64()),
        "granted" => {
            let token = line["token"].as_u64()?;
            stands(run, at, Some(token));
            run.grant = Some(Grant {
                token,
                index: line["index"].as_u64(),
                at,
                deadline,
                ended: None,
                lost: None,
            });
        }
        "renewed" => run.grant.as_mut()?.deadline = deadline,
        "lost" => run.grant.as_mut()?.lost = Some(at),
        "ended" => run.grant.as_mut()?.ended = Some(at),
        "trouble" if line["why"] == "place-lost" => {
            if let Some(place) = run.places.last_mut() {
                place.is_lost = true;
            }
        }
        "skipped" if line["why"] == "superseded" => run.superseded = Some(at),
        "released" => run.released = Some(at),
        _ => {}
    }
    Some(())
}

fn stands(run: &mut Run, at: Time, token: Option<u64>) {
    let Some(token) = token else {
        return;
    };
    if run.places.last().is_none_or(|place| place.token != token) {
        run.places.push(Place {
            token,
            told: at,
            is_lost: false,
        });
    }
}

/// What its section did.
fn did(run: &mut Run, event: &str, at: Time, line: &Value) -> Option<()> {
    let key = || line["key"].as_str().map(str::to_owned);
    let number = line["number"].as_u64();
    if event == "began" {
        run.section = Some(Section {
            token: line["token"].as_u64()?,
            index: line["index"].as_u64(),
            first: at,
            last: at,
            is_done: false,
            read: Vec::new(),
            wrote: Vec::new(),
        });
    }
    // One that was stopped before it had said that it began has lived all the same: for a moment.
    let section = match event {
        "last" => match &mut run.section {
            Some(section) => section,
            None => return Some(()),
        },
        _ => run.section.as_mut()?,
    };
    section.last = section.last.max(at);
    match event {
        "read" => {
            let writer = line["writer"].as_str()?.to_owned();
            section.read.push((key()?, number?, writer));
        }
        "wrote" => section.wrote.push((key()?, number?)),
        "done" => section.is_done = true,
        _ => {}
    }
    Some(())
}
