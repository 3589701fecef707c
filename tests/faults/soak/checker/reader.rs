//! The lines of a history, put together again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::super::asking::Sharing;
use super::story::{Grant, Place, Run, Section, Story, Time, Trouble};

#[derive(Default)]
struct Reader {
    runs: BTreeMap<String, Run>,
    troubles: BTreeMap<u64, Trouble>,
    /// When the store was last said to be whole.
    settled: Time,
    /// What is later is not judged.
    until: Option<Time>,
    pauses: Vec<(Time, Time)>,
    nonsense: Vec<String>,
}

impl Story {
    pub(in super::super) fn of(text: &str) -> Self {
        let mut reader = Reader {
            until: judged_until(text),
            ..Reader::default()
        };
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
            breaks_off: reader.until.is_some(),
            nonsense: reader.nonsense,
        }
    }
}

/// Until when servers that no longer keep one state last did; `None` if they do.
fn judged_until(text: &str) -> Option<Time> {
    let line = text
        .lines()
        .find(|line| line.contains(r#""event":"disagreed""#))?;
    let line: Value = serde_json::from_str(line).ok()?;
    seconds(&line["agreed_seconds"])
}

impl Reader {
    /// Takes in a line; `None` if it is not understood.
    fn line(&mut self, line: &str) -> Option<()> {
        let line: Value = serde_json::from_str(line).ok()?;
        let at = seconds(&line["boottime_seconds"])?;
        if self.until.is_some_and(|until| at > until) {
            return Some(());
        }
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
            // What concerned all is felt until the store is whole again.
            "settled" => {
                let before = self.settled;
                let last = self.troubles.values_mut().rev();
                let last = last.take_while(|trouble| trouble.from > before);
                for trouble in last.filter(|trouble| trouble.is_of_all()) {
                    trouble.to = at;
                }
                self.settled = at;
            }
            "hits" => {
                let victim = line["victim"].as_str().map(str::to_owned);
                let since = self.settled;
                let last = self.troubles.values_mut().rev();
                let last = last.take_while(|trouble| trouble.from > since);
                for trouble in last.filter(|trouble| !trouble.is_over) {
                    match &*trouble.on {
                        "way" => trouble.hosts.extend(line["host"].as_u64()),
                        "runs" => trouble.victims.extend(victim.clone()),
                        _ => {}
                    }
                }
            }
            "agreed" => {}
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
        waited: None,
        lost_places: Vec::new(),
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
        "waiting" => {
            run.waited = run.waited.or(Some(at));
            stands(run, at, line["token"].as_u64());
        }
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
            run.lost_places.push(at);
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

#[cfg(test)]
mod tests {
    use super::super::by_hand::{life, story};
    use super::super::updates;

    #[test]
    fn nothing_is_judged_after_servers_agreed_last() {
        let two = life("a", 1, 0, 100) + &life("b", 2, 200, 300) + &life("c", 3, 120, 160);
        let agreed = "- nemesis agreed 150\n- nemesis disagreed 400 agreed_seconds=0.15\n";
        let story = story(&(two + agreed));
        let names: Vec<_> = story.runs.iter().map(|run| &*run.name).collect();
        assert_eq!(names, ["a", "c"]);
        let wrote = updates::faults(&story).join(", ");
        assert!(!wrote.contains("did not end"), "{wrote}");
    }
}
