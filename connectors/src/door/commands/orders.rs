//! Orders: a collection, a payout, a withdrawal. Checked, then intent, attempt and note in one transaction.

use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{
    CollectOrder, CommandError, Destination, IntentView, NAME_MAX, NOTE_MAX, Origin, PayKind, PayOrder,
};
use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, ConnectionId, Currency, PartyId, SubjectId};

use super::notes::{self, Note};
use super::{Stopped, checkout, must, refunds, repeated, view};
use crate::connector::{Capability, OrderKind, ReferenceForm};
use crate::door::connections::{Connection, Wallet, find};
use crate::door::parties::{self, IntentRecord, PartyRecord};
use crate::door::store::attempts::{self, Attempt, AttemptState};
use crate::door::store::banks;
use crate::door::store::intents::{self, Intent, IntentKind};
use crate::door::{Door, DoorError};

/// Longest expression that an account number is matched against, in bytes of its compiled form.
const PATTERN_MAX: usize = 64 * 1024;

/// An order in the one form that is stored.
pub(super) struct Ask<'a> {
    pub(super) kind: IntentKind,
    pub(super) connection: &'a Connection,
    pub(super) wallet: &'a Wallet,
    pub(super) amount: Amount,
    pub(super) reserve: Option<Amount>,
    pub(super) fee_bearer: Bearer,
    pub(super) invoice_id: Option<SubjectId>,
    /// What a refund is of.
    pub(super) payment: Option<SubjectId>,
    pub(super) items: u32,
    pub(super) party: PartyRecord,
    pub(super) record: IntentRecord,
}

impl Door {
    /// Takes an order to collect, or finds it again, without waiting for the ledger.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn ask_collect(&self, origin: &Origin, order: &CollectOrder) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        let connection = self.offering(order.connection, Capability::Collect)?;
        let purse = connection.connector.facts().purses.first().copied();
        let wallet = wallet(connection, order.wallet.as_deref(), order.currency, purse)?;
        amount(connection, OrderKind::Collect, order.amount, order.currency)?;
        let items = checkout::check(connection, order)?;
        text("payer.name", order.payer_name.as_deref(), NAME_MAX)?;
        text("note", order.note.as_deref(), NOTE_MAX)?;
        let party = PartyRecord {
            phone: order.payer_phone.clone(),
            name: order.payer_name.clone(),
            email: order.payer_email.clone(),
            ..PartyRecord::default()
        };
        let record = IntentRecord {
            phone: party.phone.clone(),
            name: party.name.clone(),
            email: party.email.clone(),
            note: order.note.clone(),
            ..IntentRecord::default()
        };
        let record = record.selling(&order.items, &order.checkout);
        self.store(
            origin,
            &Ask {
                kind: IntentKind::Collection,
                connection,
                wallet,
                amount: order.amount,
                reserve: None,
                fee_bearer: order.fee_bearer,
                invoice_id: order.invoice_id,
                payment: None,
                items,
                party,
                record,
            },
        )
        .await
    }

    /// Takes an order to pay, or finds it again, without waiting for the ledger.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn ask_pay(&self, origin: &Origin, order: &PayOrder) -> Result<IntentView, CommandError> {
        self.check_origin(origin)?;
        let (capability, order_kind) = match &order.to {
            Destination::Mobile { .. } => (Capability::Payout, OrderKind::PayMobile),
            Destination::Bank { .. } => (Capability::BankPayout, OrderKind::PayBank),
        };
        let kind = match order.kind {
            PayKind::Payout => IntentKind::Payout,
            PayKind::Withdrawal => {
                self.offering(order.connection, Capability::Withdraw)?;
                IntentKind::Withdrawal
            }
        };
        let connection = self.offering(order.connection, capability)?;
        let purse = connection.connector.facts().purses.last().copied();
        let wallet = wallet(connection, order.wallet.as_deref(), order.currency, purse)?;
        amount(connection, order_kind, order.amount, order.currency)?;
        text("name", order.name.as_deref(), NAME_MAX)?;
        text("note", order.note.as_deref(), NOTE_MAX)?;
        let (name, note) = (order.name.clone(), order.note.clone());
        let (party, record) = match &order.to {
            Destination::Mobile { phone: number } => {
                phone("to.phone", number)?;
                let party = PartyRecord { phone: Some(number.clone()), name, ..PartyRecord::default() };
                let (phone, name) = (party.phone.clone(), party.name.clone());
                (party, IntentRecord { phone, name, note, ..IntentRecord::default() })
            }
            Destination::Bank { bank, account_number, account_name, rail } => {
                self.account(connection, bank, account_number, account_name).await?;
                text("to.rail", rail.as_deref(), 40)?;
                let account = Some([bank.as_str(), account_number].join(":"));
                let known = name.clone().or_else(|| Some(account_name.clone()));
                let party = PartyRecord { name: known, account, ..PartyRecord::default() };
                let record = IntentRecord {
                    name,
                    note,
                    bank: Some(bank.clone()),
                    account_number: Some(account_number.clone()),
                    account_name: Some(account_name.clone()),
                    rail: rail.clone(),
                    ..IntentRecord::default()
                };
                (party, record)
            }
        };
        let reserve = reserve(connection, order_kind, order.amount)?;
        self.store(
            origin,
            &Ask {
                kind,
                connection,
                wallet,
                amount: order.amount,
                reserve: Some(reserve),
                fee_bearer: Bearer::Merchant,
                invoice_id: None,
                payment: None,
                items: 0,
                party,
                record,
            },
        )
        .await
    }

    /// A connection of the book that offers something.
    pub(super) fn offering(&self, id: ConnectionId, capability: Capability) -> Result<&Connection, CommandError> {
        let connection = find(&self.connections, id).ok_or(CommandError::UnknownConnection)?;
        if connection.can(capability) { Ok(connection) } else { Err(CommandError::NotOffered(capability.as_str())) }
    }

    /// A bank of the provider's list, and an account that it can have.
    async fn account(
        &self,
        connection: &Connection,
        bank: &str,
        number: &str,
        holder: &str,
    ) -> Result<(), CommandError> {
        text("to.account_name", Some(holder), NAME_MAX)?;
        let wrong = |problem: &str| invalid(Problem::InvalidAccount, "to.account_number", problem);
        if !(4..=34).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong("expected 4 to 34 letters and digits"));
        }
        let mut tx = self.store.read().await?;
        if !connection.can(Capability::Banks) {
            return Ok(());
        }
        let known = banks::one(&mut tx, self.book, connection.id, bank).await?;
        let none = known.is_none() && banks::list(&mut tx, self.book, connection.id).await?.is_empty();
        drop(tx);
        let Some(known) = known else {
            let problem = if none {
                "the provider's list of banks was not read yet; try again in a moment"
            } else {
                "expected a code of the provider's list (GET /v1/connections/{id}/banks)"
            };
            return Err(invalid(Problem::UnknownBank, "to.bank", problem));
        };
        // The provider's expression is a stranger's: bounded, and one that does not compile decides nothing.
        let pattern = known.account_pattern.as_deref().map(|pattern| ["^(?:", pattern, ")$"].concat());
        let pattern = pattern.and_then(|text| regex::RegexBuilder::new(&text).size_limit(PATTERN_MAX).build().ok());
        match pattern {
            Some(pattern) if !pattern.is_match(number) => Err(wrong("not a number that this bank has")),
            _ => Ok(()),
        }
    }

    pub(super) async fn store(&self, origin: &Origin, ask: &Ask<'_>) -> Result<IntentView, CommandError> {
        let id = ids::intent_id(self.book, ask.kind.route(), &origin.idempotency_key);
        repeated(|| self.store_once(origin, ask, id)).await
    }

    async fn store_once(&self, origin: &Origin, ask: &Ask<'_>, id: SubjectId) -> Result<IntentView, Stopped> {
        let body_hash = self.order_hash(ask);
        let mut tx = self.store.write().await?;
        if let Some(stored) = intents::get(&mut tx, self.book, id).await? {
            if stored.body_hash != body_hash {
                return Err(CommandError::IdempotencyConflict.into());
            }
            return Ok(must(view(&mut tx, self.book, id, true).await?)?);
        }
        if let Some(payment) = ask.payment {
            refunds::none_open(self, &mut tx, payment).await?;
        }
        let party = parties::upsert(self, &mut tx, &ask.party).await?;
        let sealed = self.vault.seal_party(self.entropy.as_ref(), PartyId(id.0), &ask.record.json()?);
        let sealed = sealed.map_err(DoorError::from)?;
        let intent = Intent {
            id,
            connection: ask.connection.id,
            kind: ask.kind,
            body_hash,
            wallet: ask.wallet.id,
            amount: ask.amount,
            reserve: ask.reserve,
            currency: ask.wallet.settings.currency,
            fee_bearer: ask.fee_bearer,
            invoice_id: ask.invoice_id,
            payment: ask.payment,
            items: ask.items,
            party,
            sealed: sealed.sealed,
            wrapped_key: Some(sealed.wrapped_key),
            created_at: self.clock.now(),
            reason: None,
        };
        if !intents::insert(&mut tx, self.book, &origin.idempotency_key, &intent).await? {
            // Another process stored it between our look and our insert: look again.
            return Err(DoorError::Conflict("an intent appeared".into()).into());
        }
        let facts = ask.connection.connector.facts();
        let object_kind = match ask.kind {
            IntentKind::Collection => facts.collects,
            IntentKind::Payout | IntentKind::Withdrawal => facts.pays,
            IntentKind::Refund => facts.refunds,
        };
        let attempt = attempt(&intent, 1, object_kind, facts.references);
        let claim = notes::requested_id(id, 1);
        attempts::insert(&mut tx, self.book, &attempt, claim, intent.created_at).await?;
        self.note(&mut tx, &intent, attempt.n, Note::Requested).await?;
        let view = must(view(&mut tx, self.book, id, false).await?)?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(view)
    }

    fn order_hash(&self, ask: &Ask<'_>) -> [u8; 32] {
        let record = &ask.record;
        let mut hash = Derivation::new("ensimbi.command.1")
            .id(Some(ask.wallet.id.0))
            .part(&ask.amount.scaled().to_be_bytes())
            .part(ask.fee_bearer.as_str().as_bytes())
            .id(ask.invoice_id.map(|id| id.0));
        for text in [
            &record.phone,
            &record.name,
            &record.note,
            &record.bank,
            &record.account_number,
            &record.account_name,
            &record.rail,
        ] {
            hash = hash.part(text.as_deref().unwrap_or_default().as_bytes());
        }
        if ask.kind == IntentKind::Refund {
            hash = hash.id(ask.payment.map(|id| id.0));
        }
        for part in checkout::parts(record) {
            hash = hash.part(part.as_bytes());
        }
        self.body_hash(hash)
    }
}

/// The reference follows from intent and number, so that it is the same whoever asks.
pub(super) fn attempt(intent: &Intent, n: u32, object_kind: &str, form: ReferenceForm) -> Attempt {
    let hash = Derivation::new("ensimbi.reference.1").id(Some(intent.id.0)).part(&u32::to_be_bytes(n)).hash();
    let reference = match form {
        ReferenceForm::Text => ["ens-", &hex::encode(hash)[..20]].concat(),
        ReferenceForm::UuidV4 => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&hash[..16]);
            // Sets version and variant, the other 122 bits stay the hash's.
            uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
        }
    };
    Attempt {
        intent: intent.id,
        n,
        connection: intent.connection,
        reference,
        object_kind: object_kind.to_owned(),
        object_id: None,
        handle: None,
        state: AttemptState::Asked,
        tries: 0,
        link: None,
        changed_at: intent.created_at,
    }
}

pub(super) fn invalid(code: Problem, field: &'static str, problem: &str) -> CommandError {
    CommandError::Invalid { code, field, problem: problem.to_owned() }
}

pub(super) fn amount(
    connection: &Connection,
    kind: OrderKind,
    amount: Amount,
    currency: Currency,
) -> Result<(), CommandError> {
    if !amount.is_positive() {
        return Err(invalid(Problem::InvalidAmount, "amount", "expected more than zero"));
    }
    let accepted = connection.connector.accepts(kind, amount, currency);
    accepted.map_err(|problem| invalid(Problem::InvalidAmount, "amount", &problem))
}

/// What an order reserves: its amount and the highest fee on it.
pub(super) fn reserve(connection: &Connection, kind: OrderKind, amount: Amount) -> Result<Amount, CommandError> {
    let ceiling = connection.connector.fee_ceiling(&connection.settings.options, kind, amount);
    let reserve = amount.checked_add(ceiling.map_err(CommandError::Broken)?);
    reserve.ok_or_else(|| invalid(Problem::InvalidAmount, "amount", "too large for the ledger"))
}

pub(super) fn phone(field: &'static str, phone: &str) -> Result<(), CommandError> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    if (5..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(invalid(Problem::InvalidPhone, field, "expected 5 to 20 digits, with an optional + before"))
}

pub(super) fn text(field: &'static str, text: Option<&str>, max: usize) -> Result<(), CommandError> {
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
    if text.is_none_or(fits) {
        return Ok(());
    }
    let problem = format!("expected 1 to {max} characters without control characters");
    Err(invalid(Problem::InvalidBody, field, &problem))
}

/// The wallet that an order means: by code or id, or the only one in the currency; of the purse that such orders go by.
fn wallet<'a>(
    connection: &'a Connection,
    named: Option<&str>,
    currency: Currency,
    purse: Option<&str>,
) -> Result<&'a Wallet, CommandError> {
    let Some(named) = named else {
        let only = connection.only_wallet(Some(currency), purse);
        let problem = "expected the currency of exactly one wallet, or a wallet beside it";
        return only.ok_or_else(|| invalid(Problem::WrongCurrency, "currency", problem));
    };
    let is = |wallet: &&Wallet| wallet.settings.code == named || wallet.id.to_string() == named;
    let wallet = connection.wallets.iter().find(is);
    let problem = "expected the code or id of a wallet of this connection";
    let wallet = wallet.ok_or_else(|| invalid(Problem::UnknownWallet, "wallet", problem))?;
    if wallet.settings.currency != currency {
        return Err(invalid(Problem::WrongCurrency, "currency", "expected the wallet's currency"));
    }
    if let (Some(own), Some(purse)) = (wallet.settings.purse.as_deref(), purse)
        && own != purse
    {
        let problem = format!("expected a wallet of the purse {purse}");
        return Err(invalid(Problem::UnknownWallet, "wallet", &problem));
    }
    Ok(wallet)
}
