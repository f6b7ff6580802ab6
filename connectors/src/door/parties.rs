//! The other side: sealed under a key of its own, found again by a keyed hash of phone or e-mail.
//!
//! One party for each book and look-up. What is learned later fills gaps; what is known is not overwritten, and an
//! erased party stays empty. Claims carry the id and nothing else.

use ensimbi_events::ports::new_uuid;
use ensimbi_events::{Amount, PartyId};
use serde::{Deserialize, Serialize};

use super::store::Tx;
use super::store::parties::{self, PartyRow};
use super::{Door, DoorError};
use crate::connector::{Checkout, Destination, OrderItem, PartyDetails};

/// Longest phone, name or e-mail that is kept of a party, in bytes; the raw bytes hold the rest.
const DETAIL_MAX: usize = 1_000;

/// What is sealed. Field names are for ever: old rows are read with them.
#[derive(Default, PartialEq, Clone, Serialize, Deserialize)]
pub(crate) struct PartyRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    /// Bank code and account number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
}

/// What an order needs to be sent, sealed under the intent's own key. Field names are for ever.
#[derive(Default, PartialEq, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IntentRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The text for the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bank: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// What is sold: name, quantity, price of one at scale 4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sold: Vec<(String, u32, i64)>,
    /// How it is to be paid, where that is not the provider's prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<PageRecord>,
    /// The provider's id of the payment that a refund is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original: Option<String>,
    /// What was left of that payment, at scale 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<i64>,
}

/// [`Checkout`] as stored. Field names are for ever.
#[derive(Default, PartialEq, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PageRecord {
    hosted: bool,
    success_url: Option<String>,
    failure_url: Option<String>,
    cancel_url: Option<String>,
    methods: Vec<String>,
    authorise_only: bool,
}

impl IntentRecord {
    /// With what is sold and how it is paid.
    pub(crate) fn selling(self, items: &[OrderItem], checkout: &Checkout) -> Self {
        let sold = items.iter().map(|item| (item.name.clone(), item.quantity, item.price.scaled())).collect();
        let page = PageRecord {
            hosted: checkout.hosted,
            success_url: checkout.success_url.clone(),
            failure_url: checkout.failure_url.clone(),
            cancel_url: checkout.cancel_url.clone(),
            methods: checkout.methods.clone(),
            authorise_only: checkout.authorise_only,
        };
        let page = Some(page).filter(|page| *page != PageRecord::default());
        Self { sold, page, ..self }
    }

    /// What is sold.
    pub(crate) fn items(&self) -> Vec<OrderItem> {
        let item = |(name, quantity, price): &(String, u32, i64)| OrderItem {
            name: name.clone(),
            quantity: *quantity,
            price: Amount::from_scaled(*price),
        };
        self.sold.iter().map(item).collect()
    }

    /// How it is paid.
    pub(crate) fn checkout(&self) -> Checkout {
        let PageRecord { hosted, success_url, failure_url, cancel_url, methods, authorise_only } =
            self.page.clone().unwrap_or_default();
        Checkout { hosted, success_url, failure_url, cancel_url, methods, authorise_only }
    }

    /// As stored.
    pub(crate) fn json(&self) -> Result<Vec<u8>, DoorError> {
        serde_json::to_vec(self).map_err(|why| DoorError::Damaged(why.to_string()))
    }

    /// Where money goes; `None` for a collection.
    pub(crate) fn destination(&self) -> Option<Destination> {
        match (&self.bank, &self.account_number, &self.account_name) {
            (Some(bank), Some(number), Some(holder)) => Some(Destination::Bank {
                bank: bank.clone(),
                account_number: number.clone(),
                account_name: holder.clone(),
                rail: self.rail.clone(),
            }),
            _ => self.phone.clone().map(|phone| Destination::Mobile { phone }),
        }
    }
}

impl PartyRecord {
    /// From what a provider or caller gave, cut to bounds.
    pub(crate) fn of(details: &PartyDetails) -> Self {
        let bounded = |text: &Option<String>| text.clone().filter(|text| !text.is_empty() && text.len() <= DETAIL_MAX);
        Self {
            phone: bounded(&details.phone),
            name: bounded(&details.name),
            email: bounded(&details.email),
            account: None,
        }
    }

    /// As stored.
    pub(crate) fn json(&self) -> Result<Vec<u8>, DoorError> {
        serde_json::to_vec(self).map_err(|why| DoorError::Damaged(why.to_string()))
    }

    /// What it is found by: digits of the phone, else the bank account, else the e-mail in lower case.
    fn lookup(&self) -> Option<(&'static str, String)> {
        let digits: String = self.phone.iter().flat_map(|phone| phone.chars()).filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            return Some(("phone", digits));
        }
        if let Some(account) = &self.account {
            return Some(("account", account.clone()));
        }
        let email = self.email.as_ref()?.trim().to_lowercase();
        (!email.is_empty()).then_some(("email", email))
    }

    /// Takes over what was not known. Says whether anything was.
    fn fill(&mut self, other: &Self) -> bool {
        let before = self.clone();
        self.phone = self.phone.take().or_else(|| other.phone.clone());
        self.name = self.name.take().or_else(|| other.name.clone());
        self.email = self.email.take().or_else(|| other.email.clone());
        *self != before
    }
}

/// Finds or stores a party. `None` where there is nothing to find it by.
pub(crate) async fn upsert(door: &Door, tx: &mut Tx, record: &PartyRecord) -> Result<Option<PartyId>, DoorError> {
    let Some((kind, normalized)) = record.lookup() else { return Ok(None) };
    let lookup = door.vault.party_lookup(door.book, kind, &normalized);
    if let Some(row) = parties::find(tx, door.book, lookup).await? {
        return update(door, tx, row, record).await.map(Some);
    }
    let id = PartyId(new_uuid(door.clock.as_ref(), door.entropy.as_ref()));
    let sealed = door.vault.seal_party(door.entropy.as_ref(), id, &record.json()?)?;
    let row = PartyRow { id, sealed: sealed.sealed, wrapped_key: Some(sealed.wrapped_key) };
    if parties::insert(tx, door.book, lookup, &row, door.clock.now()).await? {
        return Ok(Some(id));
    }
    // Another process stored the same party between our look and our insert.
    let row = parties::find(tx, door.book, lookup).await?;
    row.map(|row| Some(row.id)).ok_or_else(|| DoorError::Conflict("a party appeared and went".into()))
}

async fn update(door: &Door, tx: &mut Tx, row: PartyRow, record: &PartyRecord) -> Result<PartyId, DoorError> {
    if row.wrapped_key.is_none() {
        return Ok(row.id);
    }
    // A row that does not open is an alarm for `verify`; it must not stop payments.
    let known = door.vault.open_party(row.id, row.wrapped_key.as_deref(), &row.sealed);
    let known = known.ok().and_then(|json| serde_json::from_slice::<PartyRecord>(&json).ok());
    let Some(mut known) = known else {
        tracing::error!(party = %row.id, "a party's row does not open");
        return Ok(row.id);
    };
    if known.fill(record) {
        let sealed = door.vault.seal_party(door.entropy.as_ref(), row.id, &known.json()?)?;
        let row = PartyRow { id: row.id, sealed: sealed.sealed, wrapped_key: Some(sealed.wrapped_key) };
        parties::reseal(tx, door.book, &row).await?;
    }
    Ok(row.id)
}
