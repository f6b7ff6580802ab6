//! The root of a book at a position (RFC 6962): the head's own, or, once the book has grown, made anew from the leaves.

use ensimbi_events::leaf::sha256;
use ensimbi_events::ports::BookReader;
use ensimbi_events::{BookId, Hash};

use super::ExportError;
use super::leaves::Log;

pub(super) async fn root_at(reader: &dyn BookReader, book: BookId, position: u64) -> Result<Hash, ExportError> {
    let head = reader.head(book).await?;
    if head.size == position {
        return Ok(head.root);
    }
    let log = Log { reader, book, through: position };
    let (mut edge, mut after) = (Edge::default(), 0);
    loop {
        let page = log.page(after).await?;
        let Some(last) = page.last() else { return Ok(edge.root()) };
        after = last.position;
        page.iter().for_each(|leaf| edge.add(leaf.leaf_hash));
    }
}

/// Full subtrees from the left, the largest first, each with its size.
#[derive(Default)]
struct Edge(Vec<(u64, Hash)>);

impl Edge {
    fn add(&mut self, leaf: Hash) {
        self.0.push((1, leaf));
        while let [.., (left, a), (right, b)] = self.0.as_slice()
            && left == right
        {
            let whole = (left + right, node(*a, *b));
            self.0.truncate(self.0.len() - 2);
            self.0.push(whole);
        }
    }

    fn root(&self) -> Hash {
        let hashes = self.0.iter().rev().map(|(_, hash)| *hash);
        hashes.reduce(|right, left| node(left, right)).unwrap_or_else(|| sha256(&[]))
    }
}

fn node(left: Hash, right: Hash) -> Hash {
    sha256(&[&[1], &left.0[..], &right.0[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::{Edge, node};
    use ensimbi_events::Hash;
    use ensimbi_events::leaf::sha256;

    /// As the RFC defines it, from the top.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [only] => *only,
            many => {
                let left = many.len().next_power_of_two() / 2;
                node(defined(&many[..left]), defined(&many[left..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_rfc_6962_at_every_size() {
        let leaves: Vec<Hash> = (0..70u8).map(|n| sha256(&[0, n])).collect();
        let mut edge = Edge::default();
        for size in 0..leaves.len() {
            assert_eq!(edge.root(), defined(&leaves[..size]), "{size}");
            edge.add(leaves[size]);
        }
    }
}
