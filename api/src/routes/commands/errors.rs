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
    /// Money of a payment, back to its payer.
    Refund,
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
            // The door names fields as the body does.
            let field = if field == "idempotency_key" { "Idempotency-Key" } else { field };
            ApiError::field(code, field, format!("{field}: {problem}"))
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
            (Some(name(field)), why)
        }
        _ => (None, detail),
    };
    let code = match refusal {
        Refusal::LimitExceeded if asked == Asked::Payout => Problem::InsufficientAvailable,
        // The reserve is the wallet's; the amount is the payment's.
        Refusal::LimitExceeded if asked == Asked::Refund && detail.starts_with("reserve: ") => {
            Problem::InsufficientAvailable
        }
        Refusal::LimitExceeded => Problem::LimitExceeded,
        Refusal::WrongState | Refusal::StaleState | Refusal::ConfigurationConflict | Refusal::TrialBalanceDiffers => {
            Problem::WrongState
        }
        Refusal::Unbalanced => Problem::Unbalanced,
        Refusal::MemoAlone => Problem::MemoAlone,
        Refusal::PeriodClosed => Problem::PeriodClosed,
        Refusal::ApprovalNeeded => Problem::ApprovalNeeded,
        Refusal::AlreadyReversed => Problem::AlreadyReversed,
        Refusal::UnknownSubject => Problem::NotFound,
        Refusal::UnknownConnection if field == Some("wallet") => Problem::UnknownWallet,
        Refusal::UnknownConnection => Problem::UnknownConnection,
        Refusal::BadAmounts => Problem::InvalidAmount,
        Refusal::UnknownBook
        | Refusal::HintOnly
        | Refusal::ReadFirst
        | Refusal::WrongMode
        | Refusal::TooLarge
        | Refusal::Malformed
        | Refusal::NotAuthentic => Problem::Refused,
    };
    let detail = field.map_or_else(|| why.to_owned(), |field| format!("{field}: {why}"));
    ApiError::refused(code, refusal, field, detail)
}

/// The body's name of a field that the ledger names in its own way.
fn name(field: &str) -> &'static str {
    match field {
        "amount" | "reserve" => "amount",
        "item" | "payment_id" => "payment",
        "item_id" => "item",
        "invoice_id" | "invoice" => "invoice",
        "allocation" => "allocation",
        "discrepancy" => "discrepancy",
        "connection" => "connection",
        "wallet" => "wallet",
        "currency" => "currency",
        "fee_bearer" => "fee_bearer",
        "attempt" => "attempt",
        "total" => "total",
        "tax" => "tax",
        "due" => "due",
        "recognition" => "recognition",
        "quantity" => "quantity",
        "unit_amount" => "unit_amount",
        "account" => "account",
        "verdict" => "verdict",
        "target" => "target",
        "lines" => "lines",
        "date" => "date",
        "from" => "from",
        "to" => "to",
        "reversal_of" => "reversal_of",
        "evidence" => "evidence",
        _ => "body",
    }
}
