//! Seeded decisions. A draw depends on the seed, its name, the object and how often was asked before, and on nothing
//! else: not on the clock, nor on the order in which objects arrive. The same seed makes the same run.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A rate of one: always.
pub const ALWAYS: u16 = 10_000;

/// All decisions of one seed.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    seed: u64,
}

impl Draws {
    /// The decisions of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Whether something of a rate in basis points (0 never, 10,000 always) happens.
    pub fn hits(self, name: &str, object: &str, nth: u64, basis_points: u16) -> bool {
        basis_points > 0 && self.below(name, object, nth, u64::from(ALWAYS)) < u64::from(basis_points)
    }

    /// A number from 0 up to but not including `bound`; 0 where the bound is 0.
    pub fn below(self, name: &str, object: &str, nth: u64, bound: u64) -> u64 {
        let bytes = self.bytes(name, object, nth);
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[..8]);
        // Scaling 64 random bits to the bound: always below it, so the cast loses nothing.
        ((u128::from(u64::from_be_bytes(eight)) * u128::from(bound)) >> 64) as u64
    }

    /// An id in the form of a random UUID.
    pub fn uuid(self, name: &str, object: &str, nth: u64) -> Uuid {
        let bytes = self.bytes(name, object, nth);
        let mut sixteen = [0; 16];
        sixteen.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_random_bytes(sixteen).into_uuid()
    }

    fn bytes(self, name: &str, object: &str, nth: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        // Every part carries its length, so that no two questions share their bytes.
        for part in [b"ensimbi.simulator.draw.1", name.as_bytes(), object.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.seed.to_be_bytes());
        hash.update(nth.to_be_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_name_object_and_count_only() {
        let draws = Draws::new(7);
        let first = draws.below("late", "a", 1, 1_000_000);
        assert_eq!(first, Draws::new(7).below("late", "a", 1, 1_000_000));
        let others = [
            Draws::new(8).below("late", "a", 1, 1_000_000),
            draws.below("lost", "a", 1, 1_000_000),
            draws.below("late", "b", 1, 1_000_000),
            draws.below("late", "a", 2, 1_000_000),
            draws.below("latea", "", 1, 1_000_000),
        ];
        assert!(others.iter().all(|other| *other != first), "{first} {others:?}");
    }

    #[test]
    fn rates_are_kept_within_reason_and_exactly_at_both_ends() {
        let draws = Draws::new(1);
        let hits = |rate| (0..10_000).filter(|nth| draws.hits("x", "o", *nth, rate)).count();
        assert_eq!((hits(0), hits(ALWAYS)), (0, 10_000));
        assert!((800..1_200).contains(&hits(1_000)), "{}", hits(1_000));
    }
}
