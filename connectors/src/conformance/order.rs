//! An order as `fixtures/calls.json` writes it, and the calls that it becomes.

use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency};
use serde::Deserialize;

use crate::connector::{Checkout, CollectCall, Destination, OrderItem, PartyDetails, PayoutCall, RefundCall};

/// Shortest text that is looked for in what is shown: a shorter one may stand anywhere.
const HIDDEN_MIN: usize = 5;

/// An order in our words; what a call does not need may be left out.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Order {
    /// Kind, id and reference of what is read or acted on.
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) reference: Option<String>,
    /// What the first step named beside the object.
    pub(super) handle: Option<String>,
    wallet: String,
    pub(super) amount: Option<Amount>,
    /// What is left of a payment before a refund.
    left: Option<Amount>,
    currency: Option<Currency>,
    pub(super) phone: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    note: Option<String>,
    fee_bearer: Option<Bearer>,
    pub(super) items: Vec<Item>,
    pub(super) hosted: bool,
    authorise_only: bool,
    pub(super) bank: Option<Bank>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    pub(super) name: String,
    quantity: u32,
    price: Amount,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bank {
    code: String,
    #[serde(default)]
    id: Option<String>,
    pub(super) account_number: String,
    account_name: String,
    #[serde(default)]
    rail: Option<String>,
}

impl Item {
    /// One thing at the whole price of an order.
    pub(super) fn example(order: &Order) -> Self {
        Self { name: "Exercise book".to_owned(), quantity: 1, price: order.amount.unwrap_or_default() }
    }
}

impl Bank {
    /// An account that no fixture has.
    pub(super) fn example() -> Self {
        let (code, account_number) = ("ABCDUGKAXXX".to_owned(), "4455667788".to_owned());
        Self { code, id: None, account_number, account_name: "Zebulon Quux".to_owned(), rail: None }
    }
}

impl Order {
    /// The same to another destination.
    pub(super) fn to(&self, bank: Option<Bank>) -> Self {
        Self { bank, ..self.clone() }
    }

    pub(super) fn collect(&self) -> CollectCall {
        let item = |item: &Item| OrderItem { name: item.name.clone(), quantity: item.quantity, price: item.price };
        CollectCall {
            reference: self.reference.clone().unwrap_or_default(),
            wallet: self.wallet.clone(),
            amount: self.amount.unwrap_or_default(),
            currency: self.currency(),
            payer: PartyDetails { phone: self.phone.clone(), name: self.name.clone(), email: self.email.clone() },
            fee_bearer: self.fee_bearer.unwrap_or(Bearer::Merchant),
            note: self.note.clone(),
            items: self.items.iter().map(item).collect(),
            checkout: Checkout { hosted: self.hosted, authorise_only: self.authorise_only, ..Checkout::default() },
            object: self.id.clone(),
            handle: self.handle.clone(),
        }
    }

    pub(super) fn pay(&self) -> PayoutCall {
        let to = match &self.bank {
            Some(bank) => Destination::Bank {
                bank: bank.code.clone(),
                account_number: bank.account_number.clone(),
                account_name: bank.account_name.clone(),
                rail: bank.rail.clone(),
            },
            None => Destination::Mobile { phone: self.phone.clone().unwrap_or_default() },
        };
        PayoutCall {
            reference: self.reference.clone().unwrap_or_default(),
            wallet: self.wallet.clone(),
            amount: self.amount.unwrap_or_default(),
            currency: self.currency(),
            to,
            bank_id: self.bank.as_ref().and_then(|bank| bank.id.clone()),
            name: self.name.clone(),
            note: self.note.clone(),
            object: self.id.clone(),
            handle: self.handle.clone(),
        }
    }

    pub(super) fn refund(&self) -> RefundCall {
        let amount = self.amount.unwrap_or_default();
        RefundCall {
            reference: self.reference.clone().unwrap_or_default(),
            payment: self.id.clone().unwrap_or_default(),
            amount,
            currency: self.currency(),
            left: self.left.unwrap_or(amount),
            again: false,
        }
    }

    /// XXX is no currency (ISO 4217), and none of any wallet.
    fn currency(&self) -> Currency {
        self.currency.or_else(|| "XXX".parse().ok()).expect("three letters are a code")
    }

    /// What must never be shown.
    pub(super) fn parties(&self) -> Vec<&str> {
        let bank = self.bank.iter().flat_map(|bank| [bank.account_number.as_str(), bank.account_name.as_str()]);
        let own = [&self.phone, &self.name, &self.email].into_iter().filter_map(|text| text.as_deref());
        own.map(|text| text.trim_start_matches('+')).chain(bank).filter(|text| text.len() >= HIDDEN_MIN).collect()
    }
}
