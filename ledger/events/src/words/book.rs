//! The book itself: opening, policies, currencies, connections, periods.

use crate::leaf::Hash;
use crate::word::{Mode, record};
use crate::{Currency, Time, WalletId};

record! {
    /// One policy of `bookkeeping.md` section 6: a key and its value, as text.
    Policy {
        /// Such as `allocate.collection`.
        key: String,
        /// Such as `income:sales`.
        value: String,
    } maybe {} many {}
}

record! {
    /// Position 1 of every book.
    BookOpened {
        /// Tenant word, such as `default`.
        tenant: String,
        /// Live or test; never both.
        mode: Mode,
        /// IANA zone of book dates.
        time_zone: String,
    } maybe {} many {
        /// Defaults that differ from the product's.
        policies: Policy,
        /// Currencies known from the start.
        currencies: Currency,
    }
}

record! {
    /// Policies or the zone change, from this position on.
    BookConfigured {} maybe {
        /// New zone of book dates.
        time_zone: String,
    } many {
        /// Changed policies; the others stay.
        policies: Policy,
    }
}

record! {
    /// A currency the book did not know; the common field names it.
    CurrencyRegistered {
        /// Decimal places people write.
        exponent: u32,
        /// A provider's test money.
        sandbox: bool,
    } maybe {} many {}
}

record! {
    /// A wallet (purse) of a connection.
    WalletConfig {
        /// Ours.
        wallet_id: WalletId,
        /// The provider's id, exactly as given.
        provider_id: String,
        /// Its part of account paths; never changes.
        code: String,
        /// Its one currency.
        currency: Currency,
    } maybe {
        /// Purse word where a provider keeps several under one id (`collections`, `payouts`).
        purse: String,
    } many {}
}

record! {
    /// A key that authenticates webhooks.
    WebhookKey {
        /// SHA-256 of the public key or header value; the secret itself is never recorded.
        digest: Hash,
    } maybe {
        /// First moment it counts.
        from: Time,
        /// First moment it no longer counts.
        until: Time,
    } many {}
}

record! {
    /// A connection as the operator configured it; a change is the same word again with the next occurrence.
    ConnectionConfigured {
        /// Provider word.
        provider: String,
        /// The provider's account (client, brand or merchant id), exactly as given.
        account: String,
        /// Its part of account paths; unique in the book, never changes.
        account_code: String,
        /// The label people use.
        slug: String,
        /// `signed`, `hint` or `no_push`.
        authenticity: String,
        /// Talks to a simulator.
        simulated: bool,
    } maybe {
        /// Poll policy in words.
        poll: String,
    } many {
        /// Its wallets.
        wallets: WalletConfig,
        /// Its webhook keys.
        webhook_keys: WebhookKey,
    }
}

record! {
    /// A period is closed: later lines keep `occurred_at` and get the next open book date.
    PeriodClosed {
        /// First date.
        from: String,
        /// Last date.
        to: String,
        /// Hash of its trial balance.
        trial_balance: Hash,
    } maybe {} many {}
}

record! {
    /// A closed period is open again.
    PeriodReopened {
        /// First date.
        from: String,
        /// Last date.
        to: String,
        /// Hash of its trial balance.
        trial_balance: Hash,
    } maybe {} many {}
}
