//! Rows of the views as the fakes have them.

use ensimbi_events::word::Recognition;
use ensimbi_events::{Amount, ConnectionId, PartyId, Time};
use ensimbi_projections::invoices::{InvoiceRow, InvoiceState};
use ensimbi_projections::payments::{DisputeRow, DisputeState, PaymentKind, PaymentRow, PaymentState};
use ensimbi_projections::wallets::WalletRow;
use uuid::Uuid;

use super::{amount, subject, wallet};

pub fn wallet_row(n: u128) -> WalletRow {
    WalletRow {
        wallet: wallet(n),
        connection: ConnectionId(Uuid::from_u128(0xc0)),
        provider: "acme".into(),
        slug: "acme-main".into(),
        account_code: "main".into(),
        code: format!("w{n}"),
        currency: "UGX".parse().unwrap(),
        posted: amount("675.5"),
        held: amount("20000"),
        reserved: amount("0.0001"),
        available: amount("675.4999"),
        total: amount("20675.5"),
        last_position: 3,
        occurred_at: Some(Time::from_micros(0)),
        purse: Some("collections".into()),
    }
}

pub fn payment_row(n: u64) -> PaymentRow {
    PaymentRow {
        payment: subject(n),
        kind: PaymentKind::Payment,
        state: PaymentState::Succeeded,
        is_final: true,
        connection: None,
        provider: None,
        wallet: None,
        currency: Some("UGX".parse().unwrap()),
        object_kind: None,
        object_id: None,
        parent: None,
        invoice: None,
        party: None,
        channel: None,
        reason: None,
        not_posted: None,
        withheld: None,
        discrepancy: None,
        attempt: None,
        reserve: None,
        amount: Some(amount("700")),
        gross: Some(amount("700")),
        net: Some(amount("675.5")),
        held: None,
        wallet_change: None,
        counter_amount: None,
        counter_currency: None,
        fees_merchant: amount("24.5"),
        fees_other: Amount::ZERO,
        open: Amount::ZERO,
        allocated: Amount::ZERO,
        refunded: Amount::ZERO,
        reversed: Amount::ZERO,
        lost: Amount::ZERO,
        disputed: Amount::ZERO,
        held_until: None,
        created_at: Time::from_micros(0),
        occurred_at: Time::from_micros(0),
        first_position: n,
        last_position: n,
    }
}

/// Every second one is over.
pub fn dispute_row(n: u64) -> DisputeRow {
    let over = n.is_multiple_of(2);
    DisputeRow {
        dispute: subject(n),
        payment: subject(1),
        state: if over { DisputeState::Lost } else { DisputeState::Open },
        connection: Some(ConnectionId(Uuid::from_u128(0xc0))),
        provider: Some("acme".into()),
        wallet: Some(wallet(1)),
        currency: Some("UGX".parse().unwrap()),
        object_kind: Some("dispute".into()),
        object_id: Some(format!("d-{n}")),
        withheld: None,
        discrepancy: None,
        amount: amount("700"),
        open: if over { Amount::ZERO } else { amount("700") },
        lost: if over { amount("700") } else { Amount::ZERO },
        wallet_change: amount("-700"),
        created_at: Time::from_micros(0),
        occurred_at: Time::from_micros(0),
        first_position: n,
        last_position: n,
    }
}

pub fn invoice_row(n: u64) -> InvoiceRow {
    InvoiceRow {
        invoice: subject(n),
        state: InvoiceState::PartPaid,
        connection: None,
        object_kind: None,
        object_id: None,
        party: Some(PartyId(Uuid::from_u128(9))),
        currency: Some("UGX".parse().unwrap()),
        recognition: Some(Recognition::OnPublish),
        due: Some("1970-01-05".into()),
        total: amount("118000"),
        tax: amount("18000"),
        outstanding: amount("68000"),
        allocated: amount("60000"),
        deallocated: amount("10000"),
        credited: Amount::ZERO,
        cancelled: Amount::ZERO,
        offline: Amount::ZERO,
        adjusted: Amount::ZERO,
        tax_allocated: Amount::ZERO,
        item_count: 1,
        draft_total: Some(amount("118000")),
        draft_tax: amount("18000"),
        created_at: Time::from_micros(0),
        published_at: Some(Time::from_micros(0)),
        expired_at: None,
        cancelled_at: None,
        paid_at: None,
        payment_started_at: None,
        state_since: Time::from_micros(0),
        first_position: n,
        last_position: n,
    }
}
