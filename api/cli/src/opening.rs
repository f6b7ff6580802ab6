//! Opening a book: which one, its first event, and what the configuration file says about its connections.
//!
//! All of it goes through the writer as claims, so a second start says the same and changes nothing.

use std::sync::Arc;

use ensimbi_events::bus::Outcome;
use ensimbi_events::config::BookConfig;
use ensimbi_events::ids::claim_id;
use ensimbi_events::ports::new_uuid;
use ensimbi_events::word::{Mode, OccurredSource};
use ensimbi_events::words::book::{BookConfigured, BookOpened, ConnectionConfigured, CurrencyRegistered, Policy};
use ensimbi_events::{Body, BookId, Claim, Clock, ConnectionId, Currency, Entropy, Fact, SubjectId, SubjectKind};
use ensimbi_ledger::store::Store;
use ensimbi_ledger::writer::Writer;

use crate::exit::Failure;
use crate::settings::BookSettings;

/// Name and version of what this file says.
const TRANSLATOR: &str = "ensimbi.operator.1";

/// Chooses the book: the one named, the only one, or a new one where there is none.
pub async fn choose(
    store: &dyn Store,
    named: Option<BookId>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<BookId, Failure> {
    let books = store.books().await?;
    match (named, books.as_slice()) {
        (Some(book), _) => Ok(book),
        (None, [only]) => Ok(*only),
        (None, []) => Ok(BookId(new_uuid(clock, entropy))),
        (None, many) => {
            let list: Vec<String> = many.iter().map(ToString::to_string).collect();
            Err(Failure::wrong(format!("there are several books; choose one with --book: {}", list.join(", "))))
        }
    }
}

/// The configuration that the book's log tells.
pub async fn config_of(store: &dyn Store, book: BookId) -> Result<BookConfig, Failure> {
    match store.config_row(book).await? {
        None => Ok(BookConfig::default()),
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| Failure::disagrees(format!("the configuration row of book {book}: {error}"))),
    }
}

/// Speaks for the operator, through the writer.
pub struct Operator<'a> {
    /// The book's store, for reading.
    pub store: &'a Arc<dyn Store>,
    /// Its writer.
    pub writer: &'a Writer,
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl Operator<'_> {
    /// Position 1, unless it is there.
    pub async fn open_book(&self, settings: &BookSettings, currencies: &[Currency]) -> Result<(), Failure> {
        let config = config_of(self.store.as_ref(), self.writer.book()).await?;
        if config.mode.is_some() {
            return self.reconfigure(&config, settings, currencies).await;
        }
        let mut currencies = currencies.to_vec();
        currencies.sort_unstable();
        currencies.dedup();
        let body = BookOpened {
            tenant: settings.tenant.clone(),
            mode: settings.mode,
            time_zone: settings.time_zone.clone(),
            policies: policies(settings.policies.iter()),
            currencies,
        };
        self.say_for_book(String::new(), None, body.into()).await
    }

    /// What the file says differently from the log: policies, zone, new currencies.
    async fn reconfigure(
        &self,
        config: &BookConfig,
        settings: &BookSettings,
        currencies: &[Currency],
    ) -> Result<(), Failure> {
        if config.mode != Some(settings.mode) || config.tenant != settings.tenant {
            let is = config.mode.map_or("not open", Mode::as_str);
            return Err(Failure::wrong(format!(
                "configuration: book: this data belongs to tenant {} ({is}); mode and tenant of a book never change",
                config.tenant
            )));
        }
        let changed = settings.policies.iter().filter(|(key, value)| config.policies.get(*key) != Some(*value));
        let policies = policies(changed);
        let time_zone = (config.time_zone != settings.time_zone).then(|| settings.time_zone.clone());
        if !policies.is_empty() || time_zone.is_some() {
            // The next configuration after a known position: the same start again says the same.
            let occurrence = (config.position + 1).to_string();
            self.say_for_book(occurrence, None, BookConfigured { time_zone, policies }.into()).await?;
        }
        for currency in currencies {
            if config.currencies.contains(&currency.to_string()) {
                continue;
            }
            let info = ensimbi_events::currency::lookup(*currency).ok_or_else(|| unknown_currency(*currency))?;
            let body = CurrencyRegistered { exponent: u32::from(info.exponent), sandbox: info.sandbox };
            self.say_for_book(currency.to_string(), Some(*currency), body.into()).await?;
        }
        Ok(())
    }

    /// Connections that the log does not have, or has in another form.
    pub async fn configure(&self, connections: Vec<(ConnectionId, ConnectionConfigured)>) -> Result<(), Failure> {
        let config = config_of(self.store.as_ref(), self.writer.book()).await?;
        for (id, body) in connections {
            let before = config.connections.get(&id);
            if before.is_some_and(|(_, known)| same(known, &body)) {
                continue;
            }
            let times = before.map_or(0, |(times, _)| *times);
            let fact = Fact {
                subject: SubjectId(id.0),
                subject_kind: SubjectKind::Connection,
                connection: Some(id),
                wallet: None,
                object_kind: None,
                object_id: None,
                occurrence: (times + 1).to_string(),
                currency: None,
                version: 1,
                body: body.into(),
            };
            self.say(fact).await?;
        }
        Ok(())
    }

    async fn say_for_book(&self, occurrence: String, currency: Option<Currency>, body: Body) -> Result<(), Failure> {
        let fact = Fact {
            subject: SubjectId(self.writer.book().0),
            subject_kind: SubjectKind::Book,
            connection: None,
            wallet: None,
            object_kind: None,
            object_id: None,
            occurrence,
            currency,
            version: body.version(),
            body,
        };
        self.say(fact).await
    }

    async fn say(&self, fact: Fact) -> Result<(), Failure> {
        let book = self.writer.book();
        let word = fact.body.word();
        let claim = Claim {
            id: claim_id(fact.event_id(book).0, 0, TRANSLATOR),
            book,
            fact,
            occurred_at: self.clock.now(),
            occurred_source: OccurredSource::Ledger,
            translator: TRANSLATOR.to_owned(),
            evidence: None,
            party: None,
            doubt: None,
            operator_transaction: None,
            confirms: false,
        };
        match self.writer.submit(vec![claim]).await.pop() {
            Some(Ok(Outcome::Recorded { .. })) => Ok(()),
            Some(Ok(Outcome::Refused { code, detail })) => {
                Err(Failure::wrong(format!("configuration: the ledger refuses {word} ({code}): {detail}")))
            }
            Some(Err(error)) => Err(Failure::not_to_be_had(error)),
            None => Err(Failure::not_to_be_had("the writer gave no answer")),
        }
    }
}

/// Lists have no order of their own in a leaf.
fn same(a: &ConnectionConfigured, b: &ConnectionConfigured) -> bool {
    let sorted = |connection: &ConnectionConfigured| {
        let mut connection = connection.clone();
        connection.wallets.sort_by_key(|wallet| wallet.wallet_id);
        connection.webhook_keys.sort_by_key(|key| key.digest);
        connection
    };
    sorted(a) == sorted(b)
}

fn policies<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Policy> {
    pairs.map(|(key, value)| Policy { key: key.clone(), value: value.clone() }).collect()
}

fn unknown_currency(currency: Currency) -> Failure {
    Failure::wrong(format!("configuration: wallets.currency: {currency} is not a currency this program knows"))
}
