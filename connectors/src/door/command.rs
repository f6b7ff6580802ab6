//! Commands: what our own side asks of a provider. Here only the asking; the sending is in `sender.rs`.
//!
//! Order: check the command -> one transaction with the intent, its first attempt (with its reference), and the note
//! that asks the ledger to record the request. The provider is called only after the ledger's `recorded`.
//!
//! The same key with the same body gives the same intent, for ever; with another body it is a conflict. Bodies are
//! compared by a keyed hash, since they hold phone numbers.

use ensimbi_events::ids::{self, Derivation};
use ensimbi_events::word::{Bearer, OccurredSource};
use ensimbi_events::words::payment::{CollectionFailed, CollectionRequested};
use ensimbi_events::{
    Amount, Body, BookId, Claim, ClaimId, ConnectionId, Currency, Fact, PartyId, SubjectId, SubjectKind, Time,
};

use super::connections::{Connection, Wallet, find};
use super::parties::{self, PartyRecord};
use super::place;
use super::store::attempts::{self, Attempt, AttemptState};
use super::store::intents::{self, Intent};
use super::store::{Tx, outbox};
use super::{Door, DoorError, TRANSLATOR};
use crate::connector::Capability;

/// The route of collections, part of what an idempotency key is unique in.
pub(crate) const ROUTE: &str = "collections";
/// The object kind of facts that are about our own request.
const INTENT: &str = "intent";
/// Longest `Idempotency-Key`.
const KEY_MAX: usize = 255;
const NAME_MAX: usize = 150;
const NOTE_MAX: usize = 200;
/// Times a command is repeated that another writer was in the way of.
const TRIES: u32 = 5;

/// Ask a payer for money.
#[derive(Clone)]
pub struct CollectCommand {
    /// The caller's book; must be the door's.
    pub book: BookId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// The caller's key for this command: 1 to 255 printable ASCII characters. Never expires.
    pub idempotency_key: String,
    /// What the payer is to pay; greater than zero. The provider's own limits are checked by its client.
    pub amount: Amount,
    /// A wallet's currency.
    pub currency: Currency,
    /// The wallet's code; may be left out where one wallet has the currency.
    pub wallet: Option<String>,
    /// The payer's phone: 5 to 20 digits, with an optional `+` before.
    pub payer_phone: String,
    /// The payer's name, at most 150 characters.
    pub payer_name: Option<String>,
    /// Who bears the provider's fees.
    pub fee_bearer: Bearer,
    /// The invoice it is meant for.
    pub invoice_id: Option<SubjectId>,
    /// Text for the payer, at most 200 characters.
    pub note: Option<String>,
}

impl std::fmt::Debug for CollectCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("CollectCommand");
        shown.field("connection", &self.connection).field("amount", &self.amount).field("currency", &self.currency);
        shown.finish_non_exhaustive()
    }
}

/// An intent as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentView {
    /// Its id, which is the payment's too.
    pub id: SubjectId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// What was asked.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Where its newest attempt stands.
    pub state: AttemptState,
    /// That attempt's number, from 1.
    pub attempt: u32,
    /// Its reference at the provider.
    pub reference: String,
    /// The provider's id, once known.
    pub object_id: Option<String>,
    /// Why it was refused: the ledger's code, or the provider's words.
    pub reason: Option<String>,
    /// When it was asked (injected clock).
    pub created_at: Time,
    /// Whether it was there already.
    pub repeated: bool,
}

/// Why a command was not taken. Nothing was stored or sent.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such connection in this book, or it does not collect.
    #[error("no connection of this book with this id collects money")]
    UnknownConnection,
    /// A field that is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// Its name.
        field: &'static str,
        /// What was expected.
        problem: &'static str,
    },
    /// The key was used with another body.
    #[error("this Idempotency-Key was used with another body")]
    IdempotencyConflict,
    /// The store.
    #[error(transparent)]
    Door(#[from] DoorError),
}

impl Door {
    /// Takes a command, or finds it again. The sending follows by itself.
    ///
    /// # Errors
    /// [`CommandError`]; after [`CommandError::Door`] the outcome is unknown and the same key may be used again.
    pub async fn collect(&self, command: &CollectCommand) -> Result<IntentView, CommandError> {
        let (connection, wallet) = self.check(command)?;
        let intent = ids::intent_id(self.book, ROUTE, &command.idempotency_key);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.store_command(command, connection, wallet, intent).await {
                Err(CommandError::Door(why)) if why.is_conflict() && tries < TRIES => {}
                done => return done,
            }
        }
    }

    /// An intent of this book.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn intent(&self, id: SubjectId) -> Result<Option<IntentView>, DoorError> {
        let mut tx = self.store.read().await?;
        view(&mut tx, self.book, id, true).await
    }

    fn check<'a>(&'a self, command: &CollectCommand) -> Result<(&'a Connection, &'a Wallet), CommandError> {
        let invalid = |field, problem| Err(CommandError::Invalid { field, problem });
        let connection = find(&self.connections, command.connection).filter(|c| c.can(Capability::Collect));
        let connection = connection.filter(|_| command.book == self.book).ok_or(CommandError::UnknownConnection)?;
        let key = &command.idempotency_key;
        if !(1..=KEY_MAX).contains(&key.len()) || !key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return invalid("idempotency_key", "expected 1 to 255 printable ASCII characters");
        }
        if !command.amount.is_positive() {
            return invalid("amount", "expected more than zero");
        }
        let digits = command.payer_phone.strip_prefix('+').unwrap_or(&command.payer_phone);
        if !(5..=20).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return invalid("payer_phone", "expected 5 to 20 digits, with an optional + before");
        }
        if !fits(command.payer_name.as_deref(), NAME_MAX) {
            return invalid("payer_name", "expected 1 to 150 characters without control characters");
        }
        if !fits(command.note.as_deref(), NOTE_MAX) {
            return invalid("note", "expected 1 to 200 characters without control characters");
        }
        let mut of_currency = connection.wallets.iter().filter(|w| w.settings.currency == command.currency);
        let wallet = match &command.wallet {
            Some(code) => of_currency.find(|wallet| wallet.settings.code == *code),
            None => connection.only_wallet(Some(command.currency)),
        };
        match wallet {
            Some(wallet) => Ok((connection, wallet)),
            None if command.wallet.is_some() => invalid("wallet", "expected the code of a wallet in this currency"),
            None => invalid("currency", "expected the currency of exactly one wallet, or a wallet code beside it"),
        }
    }

    async fn store_command(
        &self,
        command: &CollectCommand,
        connection: &Connection,
        wallet: &Wallet,
        id: SubjectId,
    ) -> Result<IntentView, CommandError> {
        let body_hash = self.body_hash(command, wallet);
        let mut tx = self.store.write().await?;
        if let Some(stored) = intents::get(&mut tx, self.book, id).await? {
            if stored.body_hash != body_hash {
                return Err(CommandError::IdempotencyConflict);
            }
            return Ok(must(view(&mut tx, self.book, id, true).await?)?);
        }
        let details = PartyRecord {
            phone: Some(command.payer_phone.clone()),
            name: command.payer_name.clone(),
            email: None,
            note: None,
        };
        let party = parties::upsert(self, &mut tx, &details).await?;
        let details = PartyRecord { note: command.note.clone(), ..details };
        let sealed = self.vault.seal_party(self.entropy.as_ref(), PartyId(id.0), &details.json()?);
        let sealed = sealed.map_err(DoorError::from)?;
        let intent = Intent {
            id,
            connection: connection.id,
            body_hash,
            wallet: wallet.id,
            amount: command.amount,
            currency: command.currency,
            fee_bearer: command.fee_bearer,
            invoice_id: command.invoice_id,
            party,
            sealed: sealed.sealed,
            wrapped_key: Some(sealed.wrapped_key),
            created_at: self.clock.now(),
            reason: None,
        };
        if !intents::insert(&mut tx, self.book, ROUTE, &command.idempotency_key, &intent).await? {
            // Another process stored it between our look and our insert: look again.
            return Err(DoorError::Conflict("an intent appeared".into()).into());
        }
        let kind = connection.connector.object_kinds().first().copied().unwrap_or("collection");
        let attempt = first_attempt(&intent, kind);
        let claim = claim_id(&intent, attempt.n, Note::Requested);
        attempts::insert(&mut tx, self.book, &attempt, claim, intent.created_at).await?;
        self.note(&mut tx, &intent, attempt.n, Note::Requested).await?;
        let view = must(view(&mut tx, self.book, id, false).await?)?;
        tx.commit().await?;
        self.wake.outbox.notify_one();
        Ok(view)
    }

    fn body_hash(&self, command: &CollectCommand, wallet: &Wallet) -> [u8; 32] {
        let hash = Derivation::new("ensimbi.command.1").id(Some(wallet.id.0));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let hash = hash
            .part(&command.amount.scaled().to_be_bytes())
            .part(command.payer_phone.as_bytes())
            .part(text(&command.payer_name).as_bytes())
            .part(command.fee_bearer.as_str().as_bytes())
            .id(command.invoice_id.map(|id| id.0))
            .part(text(&command.note).as_bytes())
            .hash();
        // A plain hash over a phone number could be tried out; the pepper prevents it.
        self.vault.party_lookup(self.book, "command", &hex::encode(hash))
    }

    /// Writes our own note about an attempt to the ledger.
    pub(crate) async fn note(&self, tx: &mut Tx, intent: &Intent, n: u32, note: Note<'_>) -> Result<(), DoorError> {
        let Intent { id, amount, fee_bearer, invoice_id, .. } = *intent;
        let fee_bearer = Some(fee_bearer);
        let claim = claim_id(intent, n, note);
        let body: Body = match note {
            Note::Requested => CollectionRequested { amount, fee_bearer, invoice_id }.into(),
            Note::Refused(reason) => {
                let reason = reason.to_owned();
                CollectionFailed { amount, is_final: true, reason, fee_bearer, invoice_id }.into()
            }
        };
        let now = self.clock.now();
        let claim = Claim {
            id: claim,
            book: self.book,
            fact: Fact {
                subject: id,
                subject_kind: SubjectKind::Payment,
                connection: Some(intent.connection),
                wallet: Some(intent.wallet),
                object_kind: Some(INTENT.to_owned()),
                object_id: Some(id.to_string()),
                occurrence: n.to_string(),
                currency: Some(intent.currency),
                version: body.version(),
                body,
            },
            occurred_at: now,
            occurred_source: OccurredSource::Ledger,
            translator: TRANSLATOR.to_owned(),
            evidence: None,
            party: intent.party,
            doubt: None,
            operator_transaction: None,
        };
        let note = place::note(id.0, claim).map_err(DoorError::Damaged)?;
        outbox::insert(tx, self.book, &[note], now).await
    }
}

/// What we tell the ledger about an attempt ourselves.
#[derive(Clone, Copy)]
pub(crate) enum Note<'a> {
    /// We are about to ask the provider.
    Requested,
    /// The provider refused with a readable answer: nothing was queued.
    Refused(&'a str),
}

fn claim_id(intent: &Intent, n: u32, note: Note<'_>) -> ClaimId {
    let index = n.saturating_mul(2).saturating_add(u32::from(matches!(note, Note::Refused(_))));
    ids::claim_id(intent.id.0, index, TRANSLATOR)
}

/// The reference follows from intent and number, so that it is the same whoever asks.
fn first_attempt(intent: &Intent, object_kind: &str) -> Attempt {
    let n = 1;
    let hash = Derivation::new("ensimbi.reference.1").id(Some(intent.id.0)).part(&u32::to_be_bytes(n)).hash();
    Attempt {
        intent: intent.id,
        n,
        connection: intent.connection,
        reference: ["ens-", &hex::encode(hash)[..20]].concat(),
        object_kind: object_kind.to_owned(),
        object_id: None,
        state: AttemptState::Asked,
        tries: 0,
    }
}

fn fits(text: Option<&str>, max: usize) -> bool {
    text.is_none_or(|text| !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control))
}

fn must(view: Option<IntentView>) -> Result<IntentView, DoorError> {
    view.ok_or_else(|| DoorError::Damaged("an intent without an attempt".into()))
}

async fn view(tx: &mut Tx, book: BookId, id: SubjectId, repeated: bool) -> Result<Option<IntentView>, DoorError> {
    let Some(intent) = intents::get(tx, book, id).await? else { return Ok(None) };
    let Some(attempt) = attempts::last(tx, book, id).await? else { return Ok(None) };
    Ok(Some(IntentView {
        id,
        connection: intent.connection,
        amount: intent.amount,
        currency: intent.currency,
        state: attempt.state,
        attempt: attempt.n,
        reference: attempt.reference,
        object_id: attempt.object_id,
        reason: intent.reason,
        created_at: intent.created_at,
        repeated,
    }))
}
