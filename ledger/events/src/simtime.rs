//! A clock that only its driver moves: for the demo, the simulators and the tests.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard};
use std::task::{Poll, Waker};

use async_trait::async_trait;

use crate::ports::Clock;
use crate::time::Time;

/// Simulated time. Sleepers register; the driver asks for the next timer and moves there.
#[derive(Debug)]
pub struct SimClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Time,
    next_id: u64,
    sleepers: Vec<(u64, Time, Waker)>,
}

impl SimClock {
    /// Starts at a moment.
    pub fn new(now: Time) -> Self {
        Self { state: Mutex::new(State { now, next_id: 0, sleepers: Vec::new() }) }
    }

    /// The earliest moment anybody sleeps for.
    pub fn next_timer(&self) -> Option<Time> {
        self.lock().sleepers.iter().map(|(_, at, _)| *at).min()
    }

    /// Moves forward (never back) and wakes whoever is due.
    pub fn advance_to(&self, at: Time) {
        let mut state = self.lock();
        state.now = state.now.max(at);
        let now = state.now;
        for (_, due, waker) in &state.sleepers {
            if *due <= now {
                waker.wake_by_ref();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while holding the lock leaves plain data behind, still whole.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Takes the sleeper out when its future is dropped, so that no dead timer stops the driver.
struct Registration<'a> {
    clock: &'a SimClock,
    id: u64,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.retain(|(id, _, _)| *id != self.id);
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Time {
        self.lock().now
    }

    async fn sleep_until(&self, at: Time) {
        let id = {
            let mut state = self.lock();
            state.next_id += 1;
            state.next_id
        };
        let registration = Registration { clock: self, id };
        poll_fn(|context| {
            let mut state = self.lock();
            if state.now >= at {
                return Poll::Ready(());
            }
            state.sleepers.retain(|(other, _, _)| *other != registration.id);
            state.sleepers.push((registration.id, at, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}
