//! When an object is looked at again. Pure: the same row gives the same moment in every process.
//!
//! Unsettled objects: first, then each wait longer by the growth factor, up to the longest. Settled ones: at the
//! configured ages, since reversals are never announced. Ended ones: once, since late successes exist. All waits carry
//! a jitter of up to a tenth, derived from the row, so that a burst of payments does not come back as a burst of reads.

use std::time::Duration;

use ensimbi_events::Time;
use ensimbi_events::ids::Derivation;

use crate::connector::{Routine, Watch};
use crate::settings::PollSettings;

/// Longest doubling of a wait; further failures wait as long.
const DOUBLINGS_MAX: u32 = 10;

/// The first look after a watch began at `since`.
pub(crate) fn first(poll: &PollSettings, watch: Watch, key: &str, since: Time) -> Option<Time> {
    match watch {
        Watch::Unsettled | Watch::Moved => Some(since.plus(jitter(key, 0, Duration::from_secs(poll.first_secs)))),
        Watch::Settled | Watch::Ended => poll.recheck_secs.first().map(|age| since.plus(Duration::from_secs(*age))),
        Watch::Routine => Some(since),
        Watch::Closed => None,
    }
}

/// The look after one that brought bytes; `tries` counts the looks before that one. `None` = nothing more.
pub(crate) fn next(poll: &PollSettings, watch: Watch, key: &str, since: Time, tries: u32, now: Time) -> Option<Time> {
    let at_age = |age: &u64| since.plus(Duration::from_secs(*age));
    match watch {
        Watch::Unsettled | Watch::Moved => Some(now.plus(jitter(key, tries + 1, grown(poll, tries + 1)))),
        // By age, not by count: a look that a hint brought about must not use up a later one.
        Watch::Settled => poll.recheck_secs.iter().map(at_age).find(|at| *at > now),
        Watch::Ended => poll.recheck_secs.first().map(at_age).filter(|at| *at > now),
        // A routine's own interval decides: [`routine`].
        Watch::Routine | Watch::Closed => None,
    }
}

/// The next read of what is read by itself; `None` where the configuration switched it off.
pub(crate) fn routine(poll: &PollSettings, routine: &Routine, key: &str, tries: u32, now: Time) -> Option<Time> {
    let every = poll.routine_secs.get(routine.object_kind).copied().unwrap_or(routine.every_secs);
    (every > 0).then(|| now.plus(jitter(key, tries, Duration::from_secs(every))))
}

/// After a look or call that brought nothing: `base` doubled for each failure before, up to `longest`.
pub(crate) fn backoff(base: Duration, failures: u32, longest: Duration) -> Duration {
    base.saturating_mul(1 << failures.min(DOUBLINGS_MAX)).min(longest)
}

/// The longest wait of an unsettled object.
pub(crate) const fn longest(poll: &PollSettings) -> Duration {
    Duration::from_secs(poll.max_secs)
}

fn grown(poll: &PollSettings, times: u32) -> Duration {
    let longest = poll.max_secs.saturating_mul(1_000);
    let mut wait = poll.first_secs.saturating_mul(1_000);
    for _ in 0..times {
        let grown = wait.saturating_mul(poll.growth_tenths) / 10;
        if wait >= longest || grown <= wait {
            break;
        }
        wait = grown;
    }
    Duration::from_millis(wait.min(longest))
}

/// Between nine and eleven tenths of the wait.
pub(crate) fn jitter(key: &str, tries: u32, wait: Duration) -> Duration {
    let hash = Derivation::new("ensimbi.jitter.1").part(key.as_bytes()).part(&tries.to_be_bytes()).hash();
    let share = 900 + u32::from(u16::from_be_bytes([hash[0], hash[1]])) % 201;
    wait.saturating_mul(share) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_micros(1_000_000_000);

    #[test]
    fn unsettled_waits_grow_to_the_longest_and_stay_there() {
        let poll = PollSettings::default();
        let mut before = Duration::ZERO;
        for tries in 0..40 {
            let wait = next(&poll, Watch::Unsettled, "k", START, tries, START).map(|at| at.since(START));
            let wait = wait.unwrap_or_default();
            assert!(wait <= Duration::from_secs(990), "{tries}: {wait:?}");
            assert!(wait >= Duration::from_secs(18), "{tries}: {wait:?}");
            before = before.max(wait);
        }
        assert!(before >= Duration::from_secs(810));
        assert_eq!(grown(&poll, 1), Duration::from_secs(30));
        assert_eq!(grown(&poll, 2), Duration::from_secs(45));
    }

    #[test]
    fn settled_objects_are_looked_at_at_their_ages_and_then_no_more() {
        let poll = PollSettings::default();
        let at = |secs: u64| START.plus(Duration::from_secs(secs));
        assert_eq!(first(&poll, Watch::Settled, "k", START), Some(at(900)));
        let next = |watch, secs| next(&poll, watch, "k", START, 0, at(secs));
        assert_eq!(next(Watch::Settled, 900), Some(at(86_400)));
        // A look brought about by a hint, before or between, uses none of them up.
        assert_eq!((next(Watch::Settled, 5), next(Watch::Settled, 7_000)), (Some(at(900)), Some(at(86_400))));
        assert_eq!(next(Watch::Settled, 86_400), None);
        assert_eq!((next(Watch::Ended, 5), next(Watch::Ended, 900)), (Some(at(900)), None));
    }

    #[test]
    fn jitter_is_the_same_for_the_same_row_and_stays_within_a_tenth() {
        let second = Duration::from_secs(1);
        assert_eq!(jitter("a", 1, second), jitter("a", 1, second));
        for tries in 0..1_000 {
            let wait = jitter("a", tries, second);
            assert!((Duration::from_millis(900)..=Duration::from_millis(1_100)).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn backoff_doubles_and_is_bounded() {
        let (base, longest) = (Duration::from_secs(5), Duration::from_secs(300));
        assert_eq!(backoff(base, 0, longest), base);
        assert_eq!(backoff(base, 3, longest), Duration::from_secs(40));
        assert_eq!(backoff(base, u32::MAX, longest), longest);
    }
}
