//! Who offers what: one row for each connector, one column for each capability.

use serde::Serialize;

use crate::connector::{Capability, Connector};

/// Every capability, in the order of the columns.
pub const CAPABILITIES: [Capability; 16] = [
    Capability::Collect,
    Capability::Items,
    Capability::Hosted,
    Capability::Capture,
    Capability::Cancel,
    Capability::Refund,
    Capability::Payout,
    Capability::BankPayout,
    Capability::Withdraw,
    Capability::ReadById,
    Capability::ReadByReference,
    Capability::Push,
    Capability::Balance,
    Capability::Banks,
    Capability::History,
    Capability::Statement,
];

/// The place of a capability in [`CAPABILITIES`]. A new one is missing here first, which does not compile.
pub const fn place(capability: Capability) -> usize {
    match capability {
        Capability::Collect => 0,
        Capability::Items => 1,
        Capability::Hosted => 2,
        Capability::Capture => 3,
        Capability::Cancel => 4,
        Capability::Refund => 5,
        Capability::Payout => 6,
        Capability::BankPayout => 7,
        Capability::Withdraw => 8,
        Capability::ReadById => 9,
        Capability::ReadByReference => 10,
        Capability::Push => 11,
        Capability::Balance => 12,
        Capability::Banks => 13,
        Capability::History => 14,
        Capability::Statement => 15,
    }
}

/// A connector's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The provider's word.
    pub provider: &'static str,
    /// How its pushes are authenticated.
    pub authenticity: &'static str,
    /// What it offers, in the order of the columns.
    pub capabilities: Vec<&'static str>,
}

impl Row {
    /// The row of a connector.
    pub fn of(connector: &dyn Connector) -> Self {
        let facts = connector.facts();
        let offered = CAPABILITIES.into_iter().filter(|one| facts.capabilities.contains(one));
        Self {
            provider: facts.provider,
            authenticity: connector.authenticity().as_str(),
            capabilities: offered.map(Capability::as_str).collect(),
        }
    }
}

/// The row of every registered connector.
pub fn rows() -> Vec<Row> {
    crate::providers::all().iter().map(|connector| Row::of(*connector)).collect()
}

/// The matrix as a Markdown table, a line for each capability, as the README has it.
pub fn markdown(rows: &[Row]) -> String {
    let line = |first: &str, cells: Vec<&str>| format!("| {first} | {} |\n", cells.join(" | "));
    let mut table = line("", rows.iter().map(|row| row.provider).collect());
    table.push_str(&format!("|---|{}\n", "---|".repeat(rows.len())));
    table.push_str(&line("pushes", rows.iter().map(|row| row.authenticity).collect()));
    for word in CAPABILITIES.map(Capability::as_str) {
        let offers = |row: &Row| if row.capabilities.contains(&word) { "yes" } else { "-" };
        table.push_str(&line(word, rows.iter().map(offers).collect()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_its_place() {
        for (n, capability) in CAPABILITIES.into_iter().enumerate() {
            assert_eq!(place(capability), n);
        }
    }
}
