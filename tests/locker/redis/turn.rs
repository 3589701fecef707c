//! The rule of who may hold, as the scripts have it, is the one that all stores keep to.

use genlock::locker::operator::{Contender, Queue};
use genlock::{Mode, Options, Request};

use crate::support::redis::RedisServer;

const RULE: &str = include_str!("../../../src/locker/redis/scripts/turn.lua");

/// Of queues, modes with spaces between: how many at the head of each hold.
const ASKED: &str = r"
local counts = {}
for _, queue in ipairs(ARGV) do
  local holding = {}
  for mode in string.gmatch(queue, '%w+') do
    if not may_hold(mode, holding) then
      break
    end
    holding[#holding + 1] = mode
  end
  counts[#counts + 1] = #holding
end
return counts";

/// A contender whose record says the mode.
fn contender(mode: Mode) -> Contender {
    let record = Request::new("/k")
        .with_mode(mode)
        .holder(&Options::default());
    Contender::new("x").with_record(Some(record))
}

#[test]
fn the_scripts_decide_as_the_rule_does() {
    let mut number = 7_u64;
    let mut below = |end: u64| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (number >> 33) % end
    };
    let mut queues = Vec::new();
    for _ in 0..2000 {
        let length = below(7);
        // Few kinds in each, so that several hold.
        let kinds = 1 + below(3);
        let queue: Vec<_> = (0..length)
            .map(|_| match below(kinds) {
                0 => Mode::OneOf(1 + below(2) as u32 * 2),
                1 => Mode::Shared,
                _ => Mode::Exclusive,
            })
            .collect();
        queues.push(queue);
    }
    let words = queues.iter().map(|queue| {
        let words = queue.iter().map(|mode| match mode {
            Mode::Shared => "s".to_owned(),
            Mode::OneOf(holders) => holders.to_string(),
            _ => "x".to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    });
    let words: Vec<_> = words.collect();
    let script = format!("{RULE}{ASKED}");
    let mut command = vec!["EVAL", &script, "0"];
    command.extend(words.iter().map(String::as_str));
    let counts = RedisServer::start().cli(&command);
    let counts: Vec<usize> = counts
        .lines()
        .map(|count| count.parse().expect("a number"))
        .collect();
    let expected: Vec<usize> = queues
        .iter()
        .map(|queue| {
            let contenders = queue.iter().map(|&mode| contender(mode)).collect();
            Queue::new("/k", contenders).holders().len()
        })
        .collect();
    assert!(expected.iter().any(|&count| count > 3));
    assert_eq!(counts, expected);
}
