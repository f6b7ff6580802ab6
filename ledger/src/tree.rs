//! The RFC 6962 Merkle tree of a book, by its right edge.
//!
//! Appending needs only the roots of the full subtrees on the right edge: at most one a bit of the size, so a batch
//! costs O(log n) state. Leaf `i` (from 0) is position `i + 1`. Nothing else chains the leaves.

use ensimbi_events::Hash;
use sha2::{Digest, Sha256};

/// Size and right edge: the roots of the full subtrees, largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

/// The stored edge does not fit its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a right edge of {bytes} bytes does not belong to a tree of {size} leaves")]
pub struct EdgeError {
    size: u64,
    bytes: usize,
}

impl Edge {
    /// From the head row.
    ///
    /// # Errors
    /// If the number of hashes is not the number of one-bits of the size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, EdgeError> {
        if bytes.len() != size.count_ones() as usize * 32 {
            return Err(EdgeError { size, bytes: bytes.len() });
        }
        let roots = bytes.chunks_exact(32).map(|chunk| {
            let mut hash = [0; 32];
            hash.copy_from_slice(chunk);
            Hash(hash)
        });
        Ok(Self { size, roots: roots.collect() })
    }

    /// For the head row.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.iter().flat_map(|hash| hash.0).collect()
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next leaf by its leaf hash.
    pub fn push(&mut self, leaf_hash: Hash) {
        self.roots.push(leaf_hash);
        self.size += 1;
        // Two full subtrees of one height are one of the next: as many times as the size ends in zero bits.
        for _ in 0..self.size.trailing_zeros() {
            if let (Some(right), Some(left)) = (self.roots.pop(), self.roots.pop()) {
                self.roots.push(node_hash(&left, &right));
            }
        }
    }

    /// The root over all leaves; of no leaves, the hash of nothing (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        let folded = self.roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(|| Hash(Sha256::digest([]).into()))
    }
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ensimbi_events::leaf::leaf_hash;

    const REFERENCE: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    #[test]
    fn roots_are_those_of_the_reference_tree() {
        let mut edge = Edge::default();
        assert_eq!(edge.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut roots = Vec::new();
        for leaf in REFERENCE {
            edge.push(leaf_hash(&hex::decode(leaf).unwrap()));
            roots.push(edge.root().to_string());
        }
        assert_eq!(roots[0], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(roots[1], "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(roots[7], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn a_stored_edge_goes_on_where_it_was() {
        let mut whole = Edge::default();
        for size in 0u64..200 {
            let mut again = Edge::from_bytes(size, &whole.to_bytes()).unwrap();
            assert_eq!(again, whole);
            let leaf = leaf_hash(&size.to_be_bytes());
            again.push(leaf);
            whole.push(leaf);
            assert_eq!(again.root(), whole.root());
        }
        assert!(Edge::from_bytes(3, &[0; 32]).is_err());
    }

    #[test]
    fn an_independent_tree_agrees() {
        let mut edge = Edge::default();
        let mut other = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for n in 0u32..100 {
            let leaf = n.to_be_bytes().to_vec();
            edge.push(leaf_hash(&leaf));
            other.push(leaf);
            assert_eq!(edge.root().0.as_slice(), other.root().as_bytes().as_slice());
        }
    }
}
