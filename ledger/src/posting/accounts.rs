//! Account paths (`bookkeeping.md` section 1). `<c>` is a connection's account code, `<w>` a wallet's.

use ensimbi_events::owed;
use ensimbi_events::word::{Bearer, Component, ItemKind};

/// `assets:wallet:<c>:<w>`
pub fn wallet(connection: &str, wallet: &str) -> String {
    format!("assets:wallet:{connection}:{wallet}")
}

/// `assets:held:<c>:<w>`
pub fn held(connection: &str, wallet: &str) -> String {
    format!("assets:held:{connection}:{wallet}")
}

/// `assets:disputed:<c>`
pub fn disputed(connection: &str) -> String {
    format!("assets:disputed:{connection}")
}

/// The clearing account that holds an open item of a kind.
pub fn clearing(kind: ItemKind, connection: &str) -> String {
    match kind {
        ItemKind::Payment => format!("liabilities:clearing:collections:{connection}"),
        ItemKind::Payout => format!("assets:clearing:payouts:{connection}"),
        ItemKind::Transfer => format!("assets:clearing:bank:{connection}"),
        ItemKind::Offline => "assets:clearing:offline".to_owned(),
    }
}

/// What every account of movements that nothing explains begins with.
pub const SUSPENSE: &str = "liabilities:suspense:";

/// `liabilities:suspense:<c>`
pub fn suspense(connection: &str) -> String {
    [SUSPENSE, connection].concat()
}

/// The account of a fee: ours to bear, or kept in memory for others.
pub fn fee(connection: &str, component: Component, bearer: Bearer) -> String {
    match bearer {
        Bearer::Merchant => format!("expenses:fees:{connection}:{component}"),
        other => format!("equity:memo:fees:{other}:{connection}:{component}"),
    }
}

/// `equity:opening:<c>`
pub fn opening(connection: &str) -> String {
    format!("equity:opening:{connection}")
}

/// Published invoices not yet paid.
pub const RECEIVABLE: &str = owed::RECEIVABLE;
/// The other side of fees that others bear.
pub const MEMO_CONTRA: &str = "equity:memo:contra";
/// The bridge between currencies.
pub const CONVERSION: &str = "equity:conversion";
/// Default target of sales.
pub const SALES: &str = owed::SALES;
/// Default target of refunds.
pub const REFUNDS: &str = "income:refunds";
/// Default target of lost disputes.
pub const CHARGEBACKS: &str = "expenses:chargebacks";
/// Tax on our sales.
pub const TAX_OUTPUT: &str = "liabilities:tax:output";

const ROOTS: [&str; 5] = ["assets", "liabilities", "equity", "income", "expenses"];
/// Longest path.
pub const PATH_MAX: usize = 160;

/// Whether a text is an account path: parts of `[a-z0-9][a-z0-9-]*` joined by colons under one of the five roots.
pub fn is_path(path: &str) -> bool {
    let mut parts = path.split(':');
    path.len() <= PATH_MAX
        && parts.next().is_some_and(|root| ROOTS.contains(&root))
        && path.contains(':')
        && parts.all(is_part)
}

/// Whether a text is an account path, or what some begin with: the root alone, or with some parts.
pub fn is_beginning(path: &str) -> bool {
    is_path(path) || ROOTS.contains(&path)
}

/// Whether a text can be one part of a path, such as an account code.
pub fn is_part(part: &str) -> bool {
    part.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether the account is a wallet's, spendable or held.
pub fn is_wallet(path: &str) -> bool {
    path.starts_with("assets:wallet:") || path.starts_with("assets:held:")
}

/// Whether an open item may be told to go there: not to accounts that only their own events may move.
pub fn is_target(path: &str) -> bool {
    is_path(path) && !is_wallet(path) && !has_open_items(path) && !path.starts_with("equity:memo:")
}

/// Whether lines on this account wait for an open item to reach zero.
pub fn has_open_items(path: &str) -> bool {
    ["liabilities:clearing:", "assets:clearing:", "assets:disputed:", SUSPENSE]
        .iter()
        .any(|prefix| path.starts_with(prefix))
        || path == RECEIVABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        for good in ["income:sales", "assets:wallet:iotec-main:w1", "assets:bank:0a"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "income", "income:", "income::sales", "sales:income", "income:Sales", "income:-s", "income:a b"]
        {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
