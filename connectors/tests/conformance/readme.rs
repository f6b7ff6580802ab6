//! The capability matrix in the README is what the registry says.

use ensimbi_connectors::conformance::matrix::{markdown, rows};

const BEGIN: &str = "<!-- connectors: generated, see connectors/tests/conformance/readme.rs -->\n";
const END: &str = "<!-- end of connectors -->\n";

/// `UPDATE_README=1 cargo test -p ensimbi-connectors --test conformance readme` writes it.
#[test]
fn the_readme_has_the_capability_matrix_of_the_registry() {
    let file = super::registry::root().join("../README.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the README has the first marker");
    let (table, after) = rest.split_once(END).expect("the README has the second marker");
    let expected = markdown(&rows());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&file, [before, BEGIN, &expected, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(table, expected, "run this test with UPDATE_README=1");
}
