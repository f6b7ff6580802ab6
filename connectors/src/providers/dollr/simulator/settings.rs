//! What the simulator is started with: the merchants and their wallets, fees, rates of exchange, test numbers, and how
//! long things take.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ensimbi_events::{Amount, Currency};
use secrecy::{ExposeSecret, SecretString};

use super::faults::Faults;
use super::switches::Operation;
use crate::simulator::draw::ALWAYS;
use crate::simulator::{Result, SimulatorError};

/// A fee: a percentage and a fixed part (provider facts, section 10.1). No real rate is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// In percent points: 2.5 is 2.5 % (section 14, row 12).
    pub percent: Amount,
    /// In units of the amount's currency.
    pub fixed: Amount,
}

impl Charge {
    /// A percentage of so many hundredths of a percent point, without a fixed part.
    pub const fn percent(hundredths: i64) -> Self {
        Self { percent: Amount::from_scaled(hundredths * 100), fixed: Amount::ZERO }
    }
}

/// Both fees of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charges {
    /// The operator's or the card network's.
    pub gateway: Charge,
    /// Dollr's.
    pub platform: Charge,
}

/// How much of `to` one `from` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxRate {
    /// Of this one unit.
    pub from: String,
    /// Is so much of this.
    pub to: String,
    /// The rate.
    pub rate: Amount,
}

/// A wallet of a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletSettings {
    /// Its id.
    pub id: i64,
    /// Its only currency.
    pub currency: Currency,
    /// What is in it when the file is made.
    pub opening: Amount,
}

/// A merchant, with the keys of its portal.
#[derive(Debug, Clone)]
pub struct MerchantSettings {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `ORGANIZATION` or `MICRO_ORGANIZATION`.
    pub kind: &'static str,
    /// The API client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The passcode of payouts.
    pub passcode: SecretString,
    /// Whose it is: the phone, which is the merchant's own as well.
    pub phone: String,
    /// And the user's id.
    pub user_id: String,
    /// At most one for each currency.
    pub wallets: Vec<WalletSettings>,
}

/// What a payer's or a beneficiary's phone does. There are no magic numbers at the provider; these are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Succeeds,
    Fails,
    /// Nobody answers; it fails in the end.
    Silent,
    /// Pays after a while.
    Later,
}

/// Beginnings of phone numbers that behave in a known way. All others succeed.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// The payer declines; a payout fails.
    pub fail: Vec<String>,
    /// Nobody answers, and after [`Settings::silent_after`] it has failed.
    pub silent: Vec<String>,
    /// Succeeds after [`Settings::later_after`].
    pub later: Vec<String>,
}

/// What a payer on the hosted page does whose phone would succeed, in basis points; the rest pays as asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Payer {
    /// Looks at the page and leaves.
    pub leaves: u16,
    /// Calls it off, and the merchant's people cancel the source in the portal.
    pub calls_off: u16,
    /// Pays in another currency of the phone's country (of those who pay).
    pub other_currency: u16,
    /// Pays by card (of those who pay).
    pub card: u16,
}

/// What the simulator is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The merchants, at least one.
    pub merchants: Vec<MerchantSettings>,
    /// Digits after the point by currency (section 14, row 24: ISO 4217).
    pub currencies: BTreeMap<String, u8>,
    /// Fees of collections.
    pub collection: Charges,
    /// Fees of payouts.
    pub payout: Charges,
    /// Fees of transfers.
    pub transfer: Charges,
    /// Fees of refunds.
    pub refund: Charges,
    /// The FX fee, in percent points of the amount (section 14, row 14).
    pub fx_percent: Amount,
    /// Rates of exchange, each used in both directions.
    pub rates: Vec<FxRate>,
    /// Test numbers.
    pub numbers: Numbers,
    /// The payer on the hosted page.
    pub payer: Payer,
    /// How long a token is good, in minutes (section 2).
    pub token_minutes: u32,
    /// Shortest and longest simulated time from execution to outcome.
    pub outcome_after: (Duration, Duration),
    /// Shortest and longest simulated time until the payer on the hosted page has looked and, again, paid.
    pub payer_after: (Duration, Duration),
    /// After how long an execution ends where nobody answers.
    pub silent_after: Duration,
    /// After how long one ends whose payer takes a while.
    pub later_after: Duration,
    /// How long after a source could last be edited or paid the merchant's people cancel it; never where absent. They do
    /// not end by themselves (section 5.3).
    pub tidied_after: Option<Duration>,
    /// Faults at the start.
    pub faults: Faults,
}

impl Settings {
    /// Documented behaviour and the assumptions of section 14 of the provider facts, without fees or faults.
    pub fn new(merchants: Vec<MerchantSettings>) -> Self {
        let currencies = [("USD", 2), ("LRD", 2), ("RWF", 0)];
        Self {
            merchants,
            currencies: currencies.into_iter().map(|(code, digits)| (code.to_owned(), digits)).collect(),
            collection: Charges::default(),
            payout: Charges::default(),
            transfer: Charges::default(),
            refund: Charges::default(),
            fx_percent: Amount::ZERO,
            rates: vec![FxRate { from: "USD".to_owned(), to: "LRD".to_owned(), rate: Amount::whole(195) }],
            numbers: Numbers::default(),
            payer: Payer::default(),
            token_minutes: 60,
            outcome_after: (Duration::from_secs(3), Duration::from_secs(20)),
            payer_after: (Duration::from_secs(20), Duration::from_secs(120)),
            silent_after: Duration::from_secs(1_800),
            later_after: Duration::from_secs(900),
            tidied_after: None,
            faults: Faults::default(),
        }
    }

    /// The profile of example 13 of the bookkeeping: 1.5 % platform, 0.5 % gateway, 0.5 % FX, on payouts 1 % and 1 %.
    #[must_use]
    pub fn with_fees(mut self) -> Self {
        self.collection = Charges { gateway: Charge::percent(50), platform: Charge::percent(150) };
        self.payout = Charges { gateway: Charge::percent(100), platform: Charge::percent(100) };
        self.fx_percent = Charge::percent(50).percent;
        self
    }

    pub(super) fn charges(&self, operation: Operation) -> Charges {
        match operation {
            Operation::Collection => self.collection,
            Operation::Payout => self.payout,
            Operation::Transfer => self.transfer,
            Operation::Refund => self.refund,
        }
    }

    pub(super) fn merchant(&self, id: i64) -> Option<&MerchantSettings> {
        self.merchants.iter().find(|one| one.id == id)
    }

    /// The merchant's wallet in a currency.
    pub(super) fn wallet(&self, merchant: i64, currency: &str) -> Option<WalletSettings> {
        self.merchant(merchant)?.wallets.iter().copied().find(|one| one.currency.as_str() == currency)
    }

    pub(super) fn fate(&self, phone: &str) -> Fate {
        let listed = |list: &[String]| list.iter().any(|prefix| phone.starts_with(prefix.as_str()));
        match () {
            () if listed(&self.numbers.fail) => Fate::Fails,
            () if listed(&self.numbers.silent) => Fate::Silent,
            () if listed(&self.numbers.later) => Fate::Later,
            () => Fate::Succeeds,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let distinct = |ids: Vec<i64>| ids.iter().collect::<BTreeSet<_>>().len() == ids.len();
        let wallets = self.merchants.iter().flat_map(|one| one.wallets.iter().map(|wallet| wallet.id)).collect();
        if self.merchants.is_empty() || !distinct(self.merchants.iter().map(|one| one.id).collect()) {
            return Err(bad("merchants with ids of their own are needed"));
        }
        if !distinct(wallets) || self.currencies.values().any(|digits| *digits > 4) {
            return Err(bad("a wallet has an id of its own, a currency at most 4 digits"));
        }
        for merchant in &self.merchants {
            let currencies: BTreeSet<_> = merchant.wallets.iter().map(|one| one.currency.as_str()).collect();
            let known = currencies.iter().all(|code| self.currencies.contains_key(*code));
            if !known || currencies.len() != merchant.wallets.len() {
                return Err(bad("a merchant has one wallet of a known currency each"));
            }
            if merchant.client_secret.expose_secret().is_empty()
                || merchant.wallets.iter().any(|one| one.opening.is_negative())
            {
                return Err(bad("a merchant has a secret and no negative opening"));
            }
        }
        let charges = [self.collection, self.payout, self.transfer, self.refund];
        let figures =
            charges.iter().flat_map(|one| [one.gateway, one.platform]).flat_map(|one| [one.percent, one.fixed]);
        let most = Amount::whole(100);
        if figures.chain([self.fx_percent]).any(|figure| figure.is_negative() || figure > most) {
            return Err(bad("a fee is 0 to 100 percent and 0 to 100 fixed"));
        }
        if self.rates.iter().any(|one| !one.rate.is_positive()) {
            return Err(bad("a rate of exchange is above zero"));
        }
        let payer = self.payer;
        if u32::from(payer.leaves) + u32::from(payer.calls_off) > u32::from(ALWAYS)
            || payer.other_currency.max(payer.card) > ALWAYS
        {
            return Err(bad("the payer does something at most 10000 times in 10000"));
        }
        if self.outcome_after.0 > self.outcome_after.1 || self.payer_after.0 > self.payer_after.1 {
            return Err(bad("a shortest and a longest time come in this order"));
        }
        self.faults.check()
    }
}

pub(super) fn bad(text: &str) -> SimulatorError {
    SimulatorError::Settings(text.to_owned())
}
