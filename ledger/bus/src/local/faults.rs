//! Faults on purpose, drawn from a seeded generator. Chances are basis points: 10,000 is always.

use std::time::Duration;

/// What goes wrong, and how often. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Where the dice start.
    pub seed: u64,
    /// Acknowledged to the publisher, and gone.
    pub drop_bp: u32,
    /// Stored twice.
    pub double_bp: u32,
    /// Held back for `delay_ms`.
    pub delay_bp: u32,
    /// How long, in real milliseconds.
    pub delay_ms: u64,
    /// Put at a random place among the last sixteen waiting.
    pub reorder_bp: u32,
    /// An acknowledgement (or its refusal) that never arrives: the message comes again.
    pub lose_ack_bp: u32,
}

/// What happens to one message.
pub(super) struct Fate {
    pub copies: usize,
    pub delay: Duration,
    pub reorder: bool,
}

impl Faults {
    pub(super) fn draw(&self, random: &mut SplitMix) -> Fate {
        // Always the same number of draws, so that changing one chance does not shift the others' dice.
        let [drop, double, delay, reorder] =
            [self.drop_bp, self.double_bp, self.delay_bp, self.reorder_bp].map(|bp| random.chance(bp));
        let copies = match (drop, double) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        let delay = if delay { Duration::from_millis(self.delay_ms) } else { Duration::ZERO };
        Fate { copies, delay, reorder }
    }

    pub(super) fn loses_ack(&self, random: &mut SplitMix) -> bool {
        self.lose_ack_bp > 0 && random.chance(self.lose_ack_bp)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, integers only. For faults, never for secrets.
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n`; the bias of the remainder does not matter for faults.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn chance(&mut self, bp: u32) -> bool {
        self.below(10_000) < u64::from(bp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut random = SplitMix::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn chances_are_about_what_they_say() {
        let mut random = SplitMix::new(1);
        let faults = Faults { drop_bp: 1_000, double_bp: 2_000, ..Faults::default() };
        let copies: usize = (0..10_000).map(|_| faults.draw(&mut random).copies).sum();
        // 10,000 * 0.9 * 1.2
        assert!((10_500..11_100).contains(&copies), "{copies}");
    }
}
