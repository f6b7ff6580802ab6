//! What the tests of this package share: made-up values of every word, one log of sample events, and the RFC 6962
//! tree computed as the RFC writes it, slowly.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used)]

pub mod fill;
pub mod log;
pub mod samples;
pub mod words;

use ensimbi_events::Hash;
use ensimbi_events::leaf::sha256;

/// RFC 6962 section 2.1, by its own recursion.
pub fn tree_root(leaf_hashes: &[Hash]) -> Hash {
    match leaf_hashes {
        [] => sha256(&[]),
        [one] => *one,
        many => {
            let left = many.len().next_power_of_two() / 2;
            let (a, b) = many.split_at(left);
            let mut node = vec![1];
            node.extend(tree_root(a).0);
            node.extend(tree_root(b).0);
            sha256(&node)
        }
    }
}

/// The path of a file in `spec/`.
pub fn spec(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("spec").join(name)
}

/// A byte string's head in its shortest form, then the bytes: what `export leaves` writes for each leaf.
pub fn exported(leaves: &[Vec<u8>]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| ensimbi_events::node::Node::Bytes(leaf.clone()).encode()).collect()
}
