//! The real clock: the one place where the house looks at it.

use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{Clock, Time};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Longest sleep at a time: a clock that was set forward is noticed.
const NAP: Duration = Duration::from_secs(30);

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the implementation of the port")]
    fn now(&self) -> Time {
        jiff::Timestamp::now().into()
    }

    async fn sleep_until(&self, at: Time) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}
