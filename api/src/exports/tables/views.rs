//! Rows that come from views.

use ensimbi_projections::query::ViewRow;

use crate::exports::csv::Record;

pub(super) const WALLETS: &[&str] = &[
    "wallet",
    "connection",
    "provider",
    "slug",
    "account_code",
    "code",
    "currency",
    "purse",
    "posted",
    "held",
    "reserved",
    "available",
    "total",
    "last_position",
    "occurred_at",
];

pub(super) const PAYMENTS: &[&str] = &[
    "payment",
    "kind",
    "state",
    "is_final",
    "connection",
    "provider",
    "wallet",
    "currency",
    "object_kind",
    "object_id",
    "parent",
    "invoice",
    "party",
    "channel",
    "reason",
    "not_posted",
    "withheld",
    "discrepancy",
    "attempt",
    "amount",
    "reserve",
    "gross",
    "net",
    "held",
    "wallet_change",
    "counter_amount",
    "counter_currency",
    "fees_merchant",
    "fees_other",
    "open",
    "allocated",
    "refunded",
    "reversed",
    "lost",
    "disputed",
    "held_until",
    "created_at",
    "occurred_at",
    "first_position",
    "last_position",
];

pub(super) const INVOICES: &[&str] = &[
    "invoice",
    "state",
    "connection",
    "object_kind",
    "object_id",
    "party",
    "currency",
    "recognition",
    "due",
    "total",
    "tax",
    "outstanding",
    "allocated",
    "deallocated",
    "credited",
    "cancelled",
    "offline",
    "adjusted",
    "tax_allocated",
    "item_count",
    "draft_total",
    "draft_tax",
    "created_at",
    "published_at",
    "expired_at",
    "cancelled_at",
    "paid_at",
    "payment_started_at",
    "state_since",
    "first_position",
    "last_position",
];

pub(super) const FEES: &[&str] = &[
    "position",
    "n",
    "account",
    "payment_id",
    "connection",
    "provider",
    "wallet",
    "component",
    "bearer",
    "label",
    "channel",
    "direction",
    "source",
    "currency",
    "amount",
    "occurred_at",
    "recorded_at",
    "book_date",
];

pub(super) const OPEN_ITEMS: &[&str] = &[
    "account",
    "item",
    "currency",
    "connection",
    "balance",
    "opened_at",
    "last_at",
    "first_position",
    "last_position",
];

pub(super) const DISCREPANCIES: &[&str] = &[
    "discrepancy",
    "position",
    "state",
    "kind",
    "about",
    "stake",
    "stake_currency",
    "subject",
    "subject_kind",
    "connection",
    "wallet",
    "detail",
    "withheld_word",
    "withheld_position",
    "occurred_at",
    "raised_at",
    "verdict",
    "actor_id",
    "reason",
    "target",
    "resolved_at",
    "resolved_position",
];

/// The cells of a row, in the order of its table's columns.
pub(super) fn row(row: &ViewRow, cells: &mut Record<'_>) {
    match row {
        ViewRow::Wallet(row) => {
            cells.text(&row.wallet.to_string());
            cells.text(&row.connection.to_string());
            cells.text(&row.provider);
            cells.text(&row.slug);
            cells.text(&row.account_code);
            cells.text(&row.code);
            cells.text(row.currency.as_str());
            cells.maybe(row.purse.as_deref());
            [row.posted, row.held, row.reserved, row.available, row.total]
                .iter()
                .for_each(|value| cells.amount(*value));
            cells.count(row.last_position);
            cells.maybe(row.occurred_at);
        }
        ViewRow::Payment(row) => {
            cells.text(&row.payment.to_string());
            cells.text(row.kind.as_str());
            cells.text(row.state.as_str());
            cells.text(if row.is_final { "true" } else { "false" });
            cells.maybe(row.connection);
            cells.maybe(row.provider.as_deref());
            cells.maybe(row.wallet);
            cells.maybe(row.currency);
            cells.maybe(row.object_kind.as_deref());
            cells.maybe(row.object_id.as_deref());
            cells.maybe(row.parent);
            cells.maybe(row.invoice);
            cells.maybe(row.party);
            cells.maybe(row.channel.as_deref());
            cells.maybe(row.reason.as_deref());
            cells.maybe(row.not_posted);
            cells.maybe(row.withheld);
            cells.maybe(row.discrepancy);
            cells.maybe_count(row.attempt);
            let told = [row.amount, row.reserve, row.gross, row.net, row.held, row.wallet_change, row.counter_amount];
            told.iter().for_each(|value| cells.maybe_amount(*value));
            cells.maybe(row.counter_currency);
            let sums = [row.fees_merchant, row.fees_other, row.open, row.allocated, row.refunded, row.reversed];
            sums.iter().for_each(|value| cells.amount(*value));
            cells.amount(row.lost);
            cells.amount(row.disputed);
            cells.maybe(row.held_until);
            cells.text(&row.created_at.to_string());
            cells.text(&row.occurred_at.to_string());
            cells.count(row.first_position);
            cells.count(row.last_position);
        }
        ViewRow::Invoice(row) => {
            cells.text(&row.invoice.to_string());
            cells.text(row.state.as_str());
            cells.maybe(row.connection);
            cells.maybe(row.object_kind.as_deref());
            cells.maybe(row.object_id.as_deref());
            cells.maybe(row.party);
            cells.maybe(row.currency);
            cells.maybe(row.recognition.map(|word| word.as_str()));
            match &row.due {
                Some(due) => cells.date(due),
                None => cells.text(""),
            }
            let sums = [row.total, row.tax, row.outstanding, row.allocated, row.deallocated, row.credited];
            sums.iter().for_each(|value| cells.amount(*value));
            [row.cancelled, row.offline, row.adjusted, row.tax_allocated].iter().for_each(|value| cells.amount(*value));
            cells.count(row.item_count);
            cells.maybe_amount(row.draft_total);
            cells.amount(row.draft_tax);
            cells.text(&row.created_at.to_string());
            let times = [row.published_at, row.expired_at, row.cancelled_at, row.paid_at, row.payment_started_at];
            times.iter().for_each(|time| cells.maybe(*time));
            cells.text(&row.state_since.to_string());
            cells.count(row.first_position);
            cells.count(row.last_position);
        }
        ViewRow::Fee(row) => {
            cells.count(row.position);
            cells.count(row.n);
            cells.text(&row.account);
            cells.maybe(row.payment);
            cells.maybe(row.connection);
            cells.maybe(row.provider.as_deref());
            cells.maybe(row.wallet);
            cells.maybe(row.component.as_deref());
            cells.maybe(row.bearer.as_deref());
            cells.maybe(row.label.as_deref());
            cells.maybe(row.channel.as_deref());
            cells.maybe(row.direction.as_deref());
            cells.maybe(row.source.as_deref());
            cells.text(row.currency.as_str());
            cells.amount(row.amount);
            cells.text(&row.occurred_at.to_string());
            cells.text(&row.recorded_at.to_string());
            cells.date(&row.book_date);
        }
        ViewRow::OpenItem(row) => {
            cells.text(&row.account);
            cells.text(&row.item.to_string());
            cells.text(row.currency.as_str());
            cells.maybe(row.connection);
            cells.amount(row.balance);
            cells.text(&row.opened_at.to_string());
            cells.text(&row.last_at.to_string());
            cells.count(row.first_position);
            cells.count(row.last_position);
        }
        ViewRow::Discrepancy(row) => {
            cells.text(&row.discrepancy.to_string());
            cells.count(row.position);
            cells.text(row.state.as_str());
            cells.text(row.kind.as_str());
            cells.maybe(row.about);
            cells.maybe_amount(row.stake);
            cells.maybe(row.stake_currency);
            cells.text(&row.subject.to_string());
            cells.text(row.subject_kind.as_str());
            cells.maybe(row.connection);
            cells.maybe(row.wallet);
            cells.maybe(row.detail.as_deref());
            cells.maybe(row.withheld_word.as_deref());
            cells.maybe_count(row.withheld_position);
            cells.text(&row.occurred_at.to_string());
            cells.text(&row.raised_at.to_string());
            cells.maybe(row.verdict.map(|word| word.as_str()));
            cells.maybe(row.actor_id.as_deref());
            cells.maybe(row.reason.as_deref());
            cells.maybe(row.target.as_deref());
            cells.maybe(row.resolved_at);
            cells.maybe_count(row.resolved_position);
        }
    }
}
