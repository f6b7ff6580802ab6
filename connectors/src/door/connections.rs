//! Connections as the door uses them: configuration checked, ids derived, clients made.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use ensimbi_events::leaf::sha256;
use ensimbi_events::word::Mode;
use ensimbi_events::words::book::{ConnectionConfigured, WalletConfig, WebhookKey};
use ensimbi_events::{BookId, Clock, ConnectionId, Currency, WalletId, currency, ids};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::options::DoorOptions;
use crate::connector::{Authenticity, Capability, Connector, ProviderClient, Routine};
use crate::outside;
use crate::settings::{ConnectionSettings, PollSettings, SettingsError, WalletSettings};
use crate::verify::{KEYS_MAX, KeyError, PublicKey, PublicKeys};

/// Option with the name of the callback's static header.
pub const CALLBACK_HEADER: &str = "callback_header";
/// Secrets with the values that are accepted in it: the present one, and the next while it is being changed.
pub const CALLBACK_VALUES: [&str; 2] = ["callback_value", "callback_value_next"];
/// Shortest accepted callback value; shorter ones can be tried out.
pub const CALLBACK_VALUE_MIN: usize = 16;
/// Options with the public keys (PEM) that pushes are signed with: those of the webhook, and the account's own for
/// callbacks of single orders; each with the next one while it is being changed.
pub const SIGNING_KEYS: [&str; 4] = ["webhook_key", "webhook_key_next", "account_key", "account_key_next"];
/// Longest slug, account, id or code.
const WORD_MAX: usize = 128;
const WALLETS_MAX: usize = 64;
const RECHECKS_MAX: usize = 20;

/// A wallet of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Wallet {
    pub(crate) id: WalletId,
    pub(crate) settings: WalletSettings,
}

/// One provider account of the book.
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) settings: ConnectionSettings,
    pub(crate) connector: &'static dyn Connector,
    pub(crate) client: Arc<dyn ProviderClient>,
    pub(crate) wallets: Vec<Wallet>,
    /// Calls at the same time.
    pub(crate) calls: Arc<Semaphore>,
    /// Keys that its pushes are verified with: the configured ones, and those that the provider names itself.
    keys: RwLock<Option<PublicKeys>>,
}

impl Connection {
    /// Whether the connector declares a capability.
    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.connector.facts().capabilities.contains(&capability)
    }

    /// Whether any order can go over it.
    pub(crate) fn takes_orders(&self) -> bool {
        [Capability::Collect, Capability::Payout, Capability::BankPayout, Capability::Refund]
            .into_iter()
            .any(|order| self.can(order))
    }

    /// The connector's own word for an object kind read from the database.
    pub(crate) fn object_kind(&self, text: &str) -> Option<&'static str> {
        self.connector.object_kinds().iter().copied().find(|kind| *kind == text)
    }

    /// What is read by itself under an object kind.
    pub(crate) fn routine(&self, object_kind: &str) -> Option<&'static Routine> {
        self.connector.facts().routines.iter().find(|routine| routine.object_kind == object_kind)
    }

    /// The wallet with the provider's id, in a currency where one id has several.
    pub(crate) fn wallet_of(&self, provider_id: &str, currency: Option<Currency>) -> Option<&Wallet> {
        let mut of_id = self.wallets.iter().filter(|wallet| wallet.settings.id == provider_id);
        let first = of_id.clone().next();
        of_id.find(|wallet| currency == Some(wallet.settings.currency)).or(first)
    }

    /// The purse of a word, in a currency.
    pub(crate) fn purse_of(&self, purse: &str, currency: Option<Currency>) -> Option<&Wallet> {
        let is = |wallet: &&Wallet| wallet.settings.purse.as_deref() == Some(purse);
        self.wallets.iter().find(|wallet| is(wallet) && currency == Some(wallet.settings.currency))
    }

    /// The only wallet, or the only one in a currency that has no purse or one of the right word.
    pub(crate) fn only_wallet(&self, currency: Option<Currency>, purse: Option<&str>) -> Option<&Wallet> {
        let fits = |wallet: &&Wallet| {
            let own = wallet.settings.purse.as_deref();
            currency.is_none_or(|c| c == wallet.settings.currency) && (own.is_none() || purse.is_none() || own == purse)
        };
        let mut matching = self.wallets.iter().filter(fits);
        let first = matching.next();
        if matching.next().is_some() { None } else { first }
    }

    /// The keys that its pushes are verified with now.
    pub(crate) fn keys(&self) -> Option<PublicKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over keys that the provider names itself, beside the configured ones. One that cannot be used is left out.
    pub(crate) fn accept_keys(&self, named: &[String]) {
        let named = named.iter().filter_map(|pem| PublicKey::from_pem(pem).ok());
        let configured: Vec<PublicKey> = signing_keys(&self.settings).filter_map(|(_, key)| key.ok()).collect();
        let room = KEYS_MAX.saturating_sub(configured.len());
        if let Ok(keys) = PublicKeys::new(configured.into_iter().chain(named.take(room))) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        }
    }

    /// Values that a callback's header may have.
    pub(crate) fn callback_values(&self) -> impl Iterator<Item = &SecretString> {
        CALLBACK_VALUES.iter().filter_map(|name| self.settings.secrets.get(*name))
    }

    /// The fact that the ledger records about it.
    pub(crate) fn configured(&self) -> ConnectionConfigured {
        let settings = &self.settings;
        let wallets = self.wallets.iter().map(|wallet| WalletConfig {
            wallet_id: wallet.id,
            provider_id: wallet.settings.id.clone(),
            code: wallet.settings.code.clone(),
            currency: wallet.settings.currency,
            purse: wallet.settings.purse.clone(),
        });
        let keys = self.callback_values().map(|value| WebhookKey {
            digest: sha256(value.expose_secret().as_bytes()),
            from: None,
            until: None,
        });
        let signing = signing_keys(settings).filter_map(|(_, key)| key.ok());
        let signing = signing.map(|key| WebhookKey { digest: key.fingerprint(), from: None, until: None });
        let webhook_keys = match self.connector.authenticity() {
            Authenticity::Hint => keys.collect(),
            Authenticity::Signed(_) => signing.collect(),
            Authenticity::NoPush => Vec::new(),
        };
        ConnectionConfigured {
            provider: settings.provider.clone(),
            account: settings.account.clone(),
            account_code: settings.code().to_owned(),
            slug: settings.slug.clone(),
            authenticity: self.connector.authenticity().as_str().to_owned(),
            simulated: settings.simulated,
            poll: Some(poll_words(&settings.poll)),
            wallets: wallets.collect(),
            webhook_keys,
        }
    }
}

fn poll_words(poll: &PollSettings) -> String {
    let recheck: Vec<String> = poll.recheck_secs.iter().map(u64::to_string).collect();
    format!(
        "first {} s, growth {}/10, at most {} s, again after settlement at {} s",
        poll.first_secs,
        poll.growth_tenths,
        poll.max_secs,
        if recheck.is_empty() { "no".to_owned() } else { recheck.join(", ") }
    )
}

/// What connections are checked by and made from.
pub(crate) struct Terms<'a> {
    book: BookId,
    mode: Mode,
    connections: &'a [ConnectionSettings],
    registry: &'static [&'static dyn Connector],
    clock: &'a Arc<dyn Clock>,
    allow_live_format0: bool,
    calls_in_flight: usize,
}

impl<'a> Terms<'a> {
    /// Those of an opening.
    pub(crate) fn of(options: &'a DoorOptions) -> Self {
        Self {
            book: options.book,
            mode: options.mode,
            connections: &options.connections,
            registry: options.registry,
            clock: &options.clock,
            allow_live_format0: options.allow_live_format0,
            calls_in_flight: options.tuning.calls_in_flight,
        }
    }
}

/// Checks configured connections before anything is opened or made.
///
/// # Errors
/// [`SettingsError`] naming the first wrong key and what was expected.
pub fn check_connections(
    connections: &[ConnectionSettings],
    mode: Mode,
    registry: &'static [&'static dyn Connector],
    clock: &Arc<dyn Clock>,
    allow_live_format0: bool,
) -> Result<(), SettingsError> {
    // Which book it will be changes ids, and nothing that is checked.
    let book = BookId(uuid::Uuid::nil());
    connect(&Terms { book, mode, connections, registry, clock, allow_live_format0, calls_in_flight: 1 }).map(drop)
}

/// Checks all configured connections and makes their clients.
///
/// # Errors
/// [`SettingsError`] naming the first wrong key and what was expected.
pub(crate) fn connect(options: &Terms<'_>) -> Result<Vec<Arc<Connection>>, SettingsError> {
    let mut seen = BTreeSet::new();
    let mut connections = Vec::new();
    for settings in options.connections {
        let connection = one(options, settings)?;
        let names = [
            ("slug", settings.slug.clone()),
            ("account", connection.id.to_string()),
            ("account_code", settings.code().to_owned()),
        ];
        for (key, value) in names {
            if !seen.insert((key, value)) {
                return Err(wrong(settings, key, "used by two connections of this book"));
            }
        }
        connections.push(Arc::new(connection));
    }
    Ok(connections)
}

fn one(options: &Terms<'_>, settings: &ConnectionSettings) -> Result<Connection, SettingsError> {
    let registered = || options.registry.iter().copied().find(|c| c.facts().provider == settings.provider);
    let outside = outside::of(settings).transpose()?;
    let Some(connector) = outside.map(|of| of as &'static dyn Connector).or_else(registered) else {
        let known: Vec<&str> = options.registry.iter().map(|c| c.facts().provider).collect();
        let expected = format!("expected one of {}, or {}NAME", known.join(", "), outside::PREFIX);
        return Err(wrong(settings, "provider", &expected));
    };
    check(options, settings, connector)?;
    let id = ids::connection_id(options.book, &settings.provider, &settings.account);
    let client = connector.connect(settings, Arc::clone(options.clock))?;
    let keys = match connector.authenticity() {
        Authenticity::Signed(_) => Some(configured_keys(settings)?),
        _ => None,
    };
    let wallets = settings.wallets.iter().map(|wallet| {
        let purse = wallet.purse.as_deref().unwrap_or("");
        Wallet { id: ids::wallet_id(id, &wallet.id, purse, wallet.currency.as_str()), settings: wallet.clone() }
    });
    Ok(Connection {
        id,
        connector,
        client,
        wallets: wallets.collect(),
        settings: settings.clone(),
        calls: Arc::new(Semaphore::new(options.calls_in_flight.clamp(1, 256))),
        keys: RwLock::new(keys),
    })
}

fn check(options: &Terms<'_>, settings: &ConnectionSettings, connector: &dyn Connector) -> Result<(), SettingsError> {
    let wrong = |key: &str, problem: &str| Err(wrong(settings, key, problem));
    if !is_code(&settings.slug) {
        return wrong("slug", "expected lower-case letters, digits and -, such as main");
    }
    if !is_code(settings.code()) {
        return wrong("account_code", "expected lower-case letters, digits and -");
    }
    if settings.account.is_empty() || settings.account.len() > WORD_MAX {
        return wrong("account", "expected the provider's account id, at most 128 characters");
    }
    if settings.simulated && options.mode == Mode::Live {
        return wrong("simulated", "a simulated connection cannot be in a live book");
    }
    if !settings.simulated && !options.allow_live_format0 {
        return wrong(
            "simulated",
            "expected true: books are still format 0, so real provider accounts need the explicit flag for it",
        );
    }
    if !(100..=600_000).contains(&settings.timeout_ms) {
        return wrong("timeout_ms", "expected 100 to 600000");
    }
    let poll = &settings.poll;
    let ascending = poll.recheck_secs.windows(2).all(|pair| pair[0] < pair[1]);
    let year = 366 * 86_400;
    if !(1..=86_400).contains(&poll.first_secs)
        || !(10..=100).contains(&poll.growth_tenths)
        || !(poll.first_secs..=86_400).contains(&poll.max_secs)
        || poll.recheck_secs.len() > RECHECKS_MAX
        || !ascending
        || poll.recheck_secs.iter().any(|age| !(1..=year).contains(age))
    {
        let expected = "expected first_secs from 1, growth_tenths 10 to 100, max_secs from first_secs to 86400, \
            and at most 20 ascending recheck_secs";
        return wrong("poll", expected);
    }
    check_wallets(options, settings, connector)?;
    if connector.authenticity() == Authenticity::Hint {
        check_callback(settings)?;
    }
    Ok(())
}

fn check_wallets(
    options: &Terms<'_>,
    settings: &ConnectionSettings,
    connector: &dyn Connector,
) -> Result<(), SettingsError> {
    if settings.wallets.is_empty() || settings.wallets.len() > WALLETS_MAX {
        return Err(wrong(settings, "wallets", "expected 1 to 64 wallets"));
    }
    let mut codes = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for wallet in &settings.wallets {
        let at = |field: &str| format!("wallets.{}.{field}", wallet.code);
        if !is_code(&wallet.code) || !codes.insert(&wallet.code) {
            return Err(wrong(settings, &at("code"), "expected a code of lower-case letters, digits and -, used once"));
        }
        let whole = (&wallet.id, &wallet.purse, wallet.currency);
        if wallet.id.is_empty() || wallet.id.len() > WORD_MAX || !ids.insert(whole) {
            return Err(wrong(settings, &at("id"), "expected the provider's wallet id, each purse and currency once"));
        }
        let purses = connector.facts().purses;
        let fits = wallet.purse.as_deref().map_or(purses.is_empty(), |purse| purses.contains(&purse));
        // A provider without purses takes any word, as a label of the person who wrote it.
        if !fits && !purses.is_empty() {
            return Err(wrong(settings, &at("purse"), &format!("expected one of {}", purses.join(", "))));
        }
        let Some(info) = currency::lookup(wallet.currency) else {
            return Err(wrong(settings, &at("currency"), "expected a currency that the registry knows"));
        };
        let sandbox = info.sandbox || connector.facts().sandbox_currencies.contains(&wallet.currency.as_str());
        if sandbox && options.mode == Mode::Live {
            return Err(wrong(settings, &at("currency"), "a sandbox currency cannot be in a live book"));
        }
    }
    Ok(())
}

/// The configured keys of pushes, by option.
fn signing_keys(
    settings: &ConnectionSettings,
) -> impl Iterator<Item = (&'static str, Result<PublicKey, KeyError>)> + use<'_> {
    let given = SIGNING_KEYS.into_iter().filter_map(|name| Some((name, settings.options.get(name)?)));
    given.map(|(name, pem)| (name, PublicKey::from_pem(pem)))
}

fn configured_keys(settings: &ConnectionSettings) -> Result<PublicKeys, SettingsError> {
    if !settings.options.contains_key(SIGNING_KEYS[0]) {
        let key = format!("options.{}", SIGNING_KEYS[0]);
        return Err(wrong(settings, &key, "expected the public key (PEM) that the webhook is signed with"));
    }
    let mut keys = Vec::new();
    for (name, key) in signing_keys(settings) {
        keys.push(key.map_err(|why| wrong(settings, &format!("options.{name}"), &why.to_string()))?);
    }
    PublicKeys::new(keys).map_err(|why| wrong(settings, "options", &why.to_string()))
}

fn check_callback(settings: &ConnectionSettings) -> Result<(), SettingsError> {
    let header = settings.options.get(CALLBACK_HEADER);
    if header.is_none_or(|name| axum::http::HeaderName::try_from(name.as_str()).is_err()) {
        let key = format!("options.{CALLBACK_HEADER}");
        return Err(wrong(settings, &key, "expected the name of the static header that callbacks carry"));
    }
    for (at, name) in CALLBACK_VALUES.iter().enumerate() {
        let value = settings.secrets.get(*name).map(ExposeSecret::expose_secret);
        let fits = |value: &str| {
            (CALLBACK_VALUE_MIN..=1_000).contains(&value.len()) && value.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        if value.is_some_and(|value| !fits(value)) || (value.is_none() && at == 0) {
            let key = format!("secrets.{name}");
            return Err(wrong(settings, &key, "expected 16 to 1000 printable ASCII characters"));
        }
    }
    Ok(())
}

fn is_code(text: &str) -> bool {
    (1..=WORD_MAX).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn wrong(settings: &ConnectionSettings, key: &str, problem: &str) -> SettingsError {
    SettingsError { key: format!("connections.{}.{key}", settings.slug), problem: problem.to_owned() }
}

/// The connection with an id.
pub(crate) fn find(connections: &[Arc<Connection>], id: ConnectionId) -> Option<&Arc<Connection>> {
    connections.iter().find(|connection| connection.id == id)
}

/// The id a configured connection has in a book, without opening anything.
pub fn id_of(book: BookId, settings: &ConnectionSettings) -> ConnectionId {
    ids::connection_id(book, &settings.provider, &settings.account)
}
