//! The one place where the door's and the ledger's answers become problems.

use ensimbi_events::codes::{Problem, Refusal};
use ensimbi_events::commands::CommandError;

use crate::problem::{ApiError, unavailable};

/// What was asked, which decides what a refusal means and how its fields are called in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Money from a payer.
    Collection,
    /// Money out of a wallet.
    Payout,
    /// Facts of our own, or a question.
    Telling,
}

/// The problem of a command that was not taken.
pub fn problem(asked: Asked, error: CommandError) -> ApiError {
    match error {
        CommandError::UnknownConnection => {
            ApiError::field(Problem::UnknownConnection, "connection", "connection: this book has none of this name")
        }
        CommandError::NotOffered(what) => {
            let detail = format!("connection: its provider does not offer {what}");
            ApiError::field(Problem::NotOffered, "connection", detail)
        }
        CommandError::Invalid { code, field, problem } => {
            let field = name(asked, field);
            let detail = format!("{field}: {problem}");
            ApiError::field(code, field, detail)
        }
        CommandError::Refused { code, detail } => refusal(asked, code, &detail),
        CommandError::IdempotencyConflict => {
            let detail = "this Idempotency-Key was used with another body or path; a new command needs a new key";
            ApiError::new(Problem::IdempotencyConflict, detail)
        }
        CommandError::Unavailable(reason) => unavailable(&reason),
        CommandError::Broken(reason) => ApiError::internal(&reason),
    }
}

/// The problem of what the ledger refused. Its detail begins with the field where there is one.
pub fn refusal(asked: Asked, refusal: Refusal, detail: &str) -> ApiError {
    let (field, why) = match detail.split_once(": ") {
        Some((field, why)) if field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
            (Some(name(asked, field)), why)
        }
        _ => (None, detail),
    };
    let code = match refusal {
        Refusal::LimitExceeded if asked == Asked::Payout => Problem::InsufficientAvailable,
        Refusal::LimitExceeded => Problem::LimitExceeded,
        Refusal::WrongState | Refusal::StaleState | Refusal::ConfigurationConflict => Problem::WrongState,
        Refusal::UnknownSubject => Problem::NotFound,
        Refusal::UnknownConnection if field == Some("wallet") => Problem::UnknownWallet,
        Refusal::UnknownConnection => Problem::UnknownConnection,
        Refusal::BadAmounts => Problem::InvalidAmount,
        Refusal::UnknownBook
        | Refusal::HintOnly
        | Refusal::WrongMode
        | Refusal::TooLarge
        | Refusal::Malformed
        | Refusal::NotAuthentic => Problem::Refused,
    };
    let detail = field.map_or_else(|| why.to_owned(), |field| format!("{field}: {why}"));
    ApiError::refused(code, refusal, field, detail)
}

/// The body's name of a field that the door or the ledger names in its own way.
fn name(asked: Asked, field: &str) -> &'static str {
    match (asked, field) {
        (Asked::Collection, "phone" | "payer_phone") => "payer.phone",
        (Asked::Collection, "name" | "payer_name") => "payer.name",
        (Asked::Payout, "phone") => "to.phone",
        (Asked::Payout, "bank") => "to.bank",
        (Asked::Payout, "account_number") => "to.account_number",
        (Asked::Payout, "account_name") => "to.account_name",
        (Asked::Payout, "rail") => "to.rail",
        (_, "amount" | "reserve") => "amount",
        (_, "name") => "name",
        (_, "note") => "note",
        (_, "phone") => "party.phone",
        (_, "email") => "party.email",
        (_, "item" | "payment_id") => "payment",
        (_, "item_id") => "item",
        (_, "invoice_id" | "invoice") => "invoice",
        (_, "allocation") => "allocation",
        (_, "discrepancy") => "discrepancy",
        (_, "connection") => "connection",
        (_, "wallet") => "wallet",
        (_, "currency") => "currency",
        (_, "fee_bearer") => "fee_bearer",
        (_, "attempt") => "attempt",
        (_, "total") => "total",
        (_, "tax") => "tax",
        (_, "due") => "due",
        (_, "recognition") => "recognition",
        (_, "quantity") => "quantity",
        (_, "unit_amount") => "unit_amount",
        (_, "account") => "account",
        (_, "verdict") => "verdict",
        (_, "target") => "target",
        (_, "idempotency_key") => "Idempotency-Key",
        _ => "body",
    }
}
