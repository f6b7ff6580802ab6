//! Rows of `invoices`, `invoice_items` and `invoice_payments`.

use ensimbi_events::word::{ItemKind, Recognition};
use ensimbi_events::{Amount, ConnectionId, Currency, PartyId, SubjectId, Time};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};
use crate::word::words;

words! {
    /// Where an invoice stands. Too much money is no state of it: the excess stays open on its payment.
    InvoiceState {
        /// It can still be changed; nothing is owed.
        Draft = "draft",
        /// All of it is owed, as far as it was not lowered.
        Published = "published",
        /// Part of it is paid.
        PartPaid = "part_paid",
        /// Nothing is owed any more.
        Paid = "paid",
        /// Its time ran out and nothing of it is paid; it can still be paid late.
        Expired = "expired",
        /// What was outstanding was called off, or the draft was.
        Cancelled = "cancelled",
        /// Nothing is owed and nothing was paid: credit notes or a person's adjustment took all of it.
        Credited = "credited",
    }
}

/// An invoice. Amounts are in its currency.
///
/// outstanding = total - allocated + deallocated - credited - cancelled - offline + adjusted (`bookkeeping.md` 5, law
/// 5); where it is recognised on publication, that is the balance of its item on `assets:receivable`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceRow {
    /// Its subject.
    pub invoice: SubjectId,
    /// Where it stands.
    pub state: InvoiceState,
    /// Its connection, where a provider made it.
    pub connection: Option<ConnectionId>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// Whom it is for, known only to the vault.
    pub party: Option<PartyId>,
    /// Its currency; absent while no word has named one.
    pub currency: Option<Currency>,
    /// When it counts as income; absent before publication.
    pub recognition: Option<Recognition>,
    /// Date it is due, as `2026-05-03`; absent where none, or no date, was given.
    pub due: Option<String>,
    /// As published, with tax.
    pub total: Amount,
    /// Tax inside the total.
    pub tax: Amount,
    /// What is owed.
    pub outstanding: Amount,
    /// All that was allocated to it.
    pub allocated: Amount,
    /// All that was taken back from it.
    pub deallocated: Amount,
    /// Lowered by credit notes.
    pub credited: Amount,
    /// Called off.
    pub cancelled: Amount,
    /// Paid without provider money.
    pub offline: Amount,
    /// A person's lines on its receivable, signed: withholding tax, for example, is negative.
    pub adjusted: Amount,
    /// Tax that is dealt with: inside what is allocated (`on_payment`), credited, cancelled or paid offline.
    pub tax_allocated: Amount,
    /// Number of items.
    pub item_count: u32,
    /// Sum of quantity x unit amount of its items; absent where one of them has no exact amount.
    pub draft_total: Option<Amount>,
    /// Sum of the tax inside its items.
    pub draft_tax: Amount,
    /// When the first word about it happened.
    pub created_at: Time,
    /// When it was published.
    pub published_at: Option<Time>,
    /// When its time ran out.
    pub expired_at: Option<Time>,
    /// When it was first called off, in whole or in part.
    pub cancelled_at: Option<Time>,
    /// When it was paid, if that is its state.
    pub paid_at: Option<Time>,
    /// When somebody first began to pay, at a provider that says so.
    pub payment_started_at: Option<Time>,
    /// When its present state happened.
    pub state_since: Time,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl InvoiceRow {
    pub(crate) const SELECT: &str = "SELECT invoice, state, connection, object_kind, object_id, party, currency, \
        recognition, due, total, tax, outstanding, allocated, deallocated, credited, cancelled, offline, adjusted, \
        tax_allocated, item_count, draft_total, draft_tax, created_at, published_at, expired_at, \
        cancelled_at, paid_at, payment_started_at, state_since, first_position, last_position FROM invoices WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO invoices (book, generation, invoice, state, connection, object_kind, \
        object_id, party, currency, recognition, due, total, tax, outstanding, allocated, deallocated, credited, \
        cancelled, offline, adjusted, tax_allocated, item_count, draft_total, draft_tax, created_at, published_at, \
        expired_at, cancelled_at, paid_at, payment_started_at, state_since, first_position, last_position) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, invoice) DO UPDATE SET \
        state = excluded.state, connection = excluded.connection, object_kind = excluded.object_kind, \
        object_id = excluded.object_id, party = excluded.party, currency = excluded.currency, \
        recognition = excluded.recognition, due = excluded.due, total = excluded.total, tax = excluded.tax, \
        outstanding = excluded.outstanding, allocated = excluded.allocated, deallocated = excluded.deallocated, \
        credited = excluded.credited, cancelled = excluded.cancelled, offline = excluded.offline, \
        adjusted = excluded.adjusted, tax_allocated = excluded.tax_allocated, item_count = excluded.item_count, \
        draft_total = excluded.draft_total, draft_tax = excluded.draft_tax, published_at = excluded.published_at, \
        expired_at = excluded.expired_at, cancelled_at = excluded.cancelled_at, paid_at = excluded.paid_at, \
        payment_started_at = excluded.payment_started_at, state_since = excluded.state_since, \
        last_position = excluded.last_position";
    /// See [`crate::projection::Table::columns`].
    pub(super) const COLUMNS: &str = "ututtutttiiiiiiiiiiiiiiiiiiiiii";

    /// What was paid and stands: allocated - deallocated + offline; `None` beyond the range of amounts.
    pub fn paid(&self) -> Option<Amount> {
        self.allocated.checked_sub(self.deallocated)?.checked_add(self.offline)
    }

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let word = || StoreError::Damaged("an invoice holds no word of its list".into());
        let recognition = row.maybe_text(7)?;
        let recognition = recognition.map(|text| Recognition::from_text(&text).ok_or_else(word)).transpose()?;
        Ok(Self {
            invoice: SubjectId(row.uuid(0)?),
            state: InvoiceState::from_text(&row.text(1)?).ok_or_else(word)?,
            connection: row.maybe_uuid(2)?.map(ConnectionId),
            object_kind: row.maybe_text(3)?,
            object_id: row.maybe_text(4)?,
            party: row.maybe_uuid(5)?.map(PartyId),
            currency: row.maybe_currency(6)?,
            recognition,
            due: row.maybe_text(8)?,
            total: row.amount(9)?,
            tax: row.amount(10)?,
            outstanding: row.amount(11)?,
            allocated: row.amount(12)?,
            deallocated: row.amount(13)?,
            credited: row.amount(14)?,
            cancelled: row.amount(15)?,
            offline: row.amount(16)?,
            adjusted: row.amount(17)?,
            tax_allocated: row.amount(18)?,
            item_count: row.count(19)?,
            draft_total: row.maybe_amount(20)?,
            draft_tax: row.amount(21)?,
            created_at: row.time(22)?,
            published_at: row.maybe_time(23)?,
            expired_at: row.maybe_time(24)?,
            cancelled_at: row.maybe_time(25)?,
            paid_at: row.maybe_time(26)?,
            payment_started_at: row.maybe_time(27)?,
            state_since: row.time(28)?,
            first_position: row.position(29)?,
            last_position: row.position(30)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.invoice.into(),
            self.state.as_str().into(),
            self.connection.into(),
            self.object_kind.clone().into(),
            self.object_id.clone().into(),
            self.party.into(),
            self.currency.into(),
            self.recognition.map(Recognition::as_str).into(),
            self.due.clone().into(),
            self.total.into(),
            self.tax.into(),
            self.outstanding.into(),
            self.allocated.into(),
            self.deallocated.into(),
            self.credited.into(),
            self.cancelled.into(),
            self.offline.into(),
            self.adjusted.into(),
            self.tax_allocated.into(),
            i64::from(self.item_count).into(),
            self.draft_total.into(),
            self.draft_tax.into(),
            self.created_at.into(),
            self.published_at.into(),
            self.expired_at.into(),
            self.cancelled_at.into(),
            self.paid_at.into(),
            self.payment_started_at.into(),
            self.state_since.into(),
            Bind::position(self.first_position),
            Bind::position(self.last_position),
        ]
    }
}

/// An item of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceItem {
    /// The invoice.
    pub invoice: SubjectId,
    /// Its number, in the order in which the invoice's items joined.
    pub n: u32,
    /// The item's own id.
    pub item_id: String,
    /// How many, as given.
    pub quantity: String,
    /// Price of one.
    pub unit_amount: Amount,
    /// Tax inside the item.
    pub tax: Option<Amount>,
    /// quantity x unit amount; absent where that is no exact amount.
    pub amount: Option<Amount>,
}

impl InvoiceItem {
    pub(crate) const SELECT: &str =
        "SELECT invoice, n, item_id, quantity, unit_amount, tax, amount FROM invoice_items WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO invoice_items (book, generation, invoice, n, item_id, quantity, \
        unit_amount, tax, amount) VALUES ";
    pub(super) const COLUMNS: &str = "uittiii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            invoice: SubjectId(row.uuid(0)?),
            n: row.count(1)?,
            item_id: row.text(2)?,
            quantity: row.text(3)?,
            unit_amount: row.amount(4)?,
            tax: row.maybe_amount(5)?,
            amount: row.maybe_amount(6)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.invoice.into(),
            i64::from(self.n).into(),
            self.item_id.as_str().into(),
            self.quantity.as_str().into(),
            self.unit_amount.into(),
            self.tax.into(),
            self.amount.into(),
        ]
    }
}

/// What one payment's open item was told to pay of an invoice, in the invoice's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoicePayment {
    /// The invoice.
    pub invoice: SubjectId,
    /// The subject that holds the open item.
    pub payment: SubjectId,
    /// Which clearing account holds it.
    pub item_kind: ItemKind,
    /// All that was allocated.
    pub allocated: Amount,
    /// All that was taken back.
    pub deallocated: Amount,
    /// Tax inside what stands (`on_payment`).
    pub tax: Amount,
    /// When it was first allocated.
    pub first_at: Time,
    /// When that last changed.
    pub last_at: Time,
    /// The first of these events.
    pub first_position: u64,
    /// The last of them.
    pub last_position: u64,
}

impl InvoicePayment {
    pub(crate) const SELECT: &str = "SELECT invoice, payment, item_kind, allocated, deallocated, tax, first_at, \
        last_at, first_position, last_position FROM invoice_payments WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO invoice_payments (book, generation, invoice, payment, item_kind, \
        allocated, deallocated, tax, first_at, last_at, first_position, last_position) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, invoice, payment) DO UPDATE SET \
        allocated = excluded.allocated, deallocated = excluded.deallocated, tax = excluded.tax, \
        last_at = excluded.last_at, last_position = excluded.last_position";
    pub(super) const COLUMNS: &str = "uutiiiiiii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let kind = ItemKind::from_text(&row.text(2)?);
        Ok(Self {
            invoice: SubjectId(row.uuid(0)?),
            payment: SubjectId(row.uuid(1)?),
            item_kind: kind.ok_or_else(|| StoreError::Damaged("a kind of open item is no word of its list".into()))?,
            allocated: row.amount(3)?,
            deallocated: row.amount(4)?,
            tax: row.amount(5)?,
            first_at: row.time(6)?,
            last_at: row.time(7)?,
            first_position: row.position(8)?,
            last_position: row.position(9)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.invoice.into(),
            self.payment.into(),
            self.item_kind.as_str().into(),
            self.allocated.into(),
            self.deallocated.into(),
            self.tax.into(),
            self.first_at.into(),
            self.last_at.into(),
            Bind::position(self.first_position),
            Bind::position(self.last_position),
        ]
    }
}
