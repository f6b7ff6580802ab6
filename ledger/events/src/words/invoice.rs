//! Invoices and what is allocated to them.

use crate::word::{ItemKind, Recognition, Side, record};
use crate::{Amount, EventId, Money, PartyId, SubjectId};

record! {
    /// An invoice begins, editable.
    InvoiceDrafted {} maybe {
        /// Whom it is for, through the vault.
        party_id: PartyId,
    } many {}
}

macro_rules! items {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// The item.
                item_id: String,
                /// How many, as text.
                quantity: String,
                /// Price of one.
                unit_amount: Amount,
            } maybe {
                /// Tax inside the item.
                tax: Amount,
            } many {}
        }
    )*};
}

items! {
    /// An item joins the draft.
    InvoiceItemAdded,
    /// An item of the draft changes.
    InvoiceItemChanged,
}

record! {
    /// An item leaves the draft.
    InvoiceItemRemoved {
        /// The item.
        item_id: String,
    } maybe {} many {}
}

record! {
    /// Somebody began to pay.
    InvoicePaymentStarted {} maybe {
        /// With this payment.
        payment_id: SubjectId,
    } many {}
}

record! {
    /// Its time ran out; it can still be paid late.
    InvoiceExpired {} maybe {} many {}
}

record! {
    /// The invoice is owed.
    InvoicePublished {
        /// With tax.
        total: Amount,
        /// Tax inside the total.
        tax: Amount,
        /// When it counts as income.
        recognition: Recognition,
    } maybe {
        /// Date it is due.
        due: String,
        /// Whom it is for.
        party_id: PartyId,
    } many {}
}

macro_rules! lowered {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// By how much, with tax.
                amount: Amount,
                /// Tax inside.
                tax: Amount,
                /// As published.
                recognition: Recognition,
            } maybe {} many {}
        }
    )*};
}

lowered! {
    /// A credit note.
    InvoiceCredited,
    /// What is outstanding is called off.
    InvoiceCancelled,
}

record! {
    /// The source says it is paid.
    InvoicePaid {
        /// Without provider money (Paytota `marked_as_paid`).
        offline: bool,
        /// How much.
        amount: Amount,
        /// Tax inside.
        tax: Amount,
        /// As published.
        recognition: Recognition,
    } maybe {} many {}
}

record! {
    /// An open item is told its purpose: towards zero, never past it.
    PaymentAllocated {
        /// The subject that holds the open item.
        item: SubjectId,
        /// Which clearing account holds it.
        item_kind: ItemKind,
        /// The side its balance stands on; the line goes to the other one.
        item_side: Side,
        /// How much, in the item's currency.
        amount: Amount,
        /// The account on the other side.
        account: String,
    } maybe {
        /// The invoice, where it is one.
        invoice_id: SubjectId,
        /// In the target's currency, through `equity:conversion`.
        target_amount: Money,
        /// Tax inside, for `on_payment` invoices: `liabilities:tax:output`.
        tax: Amount,
        /// The policy that decided, if no person did.
        policy: String,
    } many {}
}

record! {
    /// An allocation is undone, in full or in part; its lines, opposite.
    PaymentDeallocated {
        /// The allocation's event.
        allocation: EventId,
        /// The subject that held the open item.
        item: SubjectId,
        /// Which clearing account.
        item_kind: ItemKind,
        /// The side that the allocation took it from; the line goes back there.
        item_side: Side,
        /// How much.
        amount: Amount,
        /// The account on the other side.
        account: String,
    } maybe {
        /// The invoice, where it is one.
        invoice_id: SubjectId,
        /// In the target's currency.
        target_amount: Money,
        /// Tax inside.
        tax: Amount,
    } many {}
}
