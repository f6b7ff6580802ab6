//! What the simulator is started with: the company, its fees, its test numbers, and how long things take.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::faults::Faults;
use crate::simulator::draw::ALWAYS;
use crate::simulator::{Result, SimulatorError};

/// What a method costs, and what is withheld of it for a time (provider facts, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// The fee, in basis points of the amount.
    pub fee: u16,
    /// The rolling reserve, in basis points of the amount.
    pub reserve: u16,
}

impl Rate {
    /// A fee alone.
    pub const fn fee(fee: u16) -> Self {
        Self { fee, reserve: 0 }
    }
}

/// The rates by method and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Mobile money in.
    pub mobile: Rate,
    /// Cards in.
    pub card: Rate,
    /// Mobile money out; its reserve is not used.
    pub mobile_payout: Rate,
    /// To a bank; its reserve is not used.
    pub bank_payout: Rate,
    /// Refunds; its reserve is not used.
    pub refund: Rate,
    /// Chargebacks, where the switch `chargeback_fee` is on; its reserve is not used.
    pub chargeback: Rate,
    /// After how long what was withheld is freed.
    pub unfreeze_after: Duration,
}

/// Both purses of a currency at the beginning, in its smallest unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencySettings {
    /// ISO code.
    pub code: String,
    /// Digits after the point of its smallest unit (provider facts, section 15, first row: ISO 4217).
    pub exponent: u8,
    /// What is in the collections purse when the file is made.
    pub collections: i64,
    /// What is in the payouts purse when the file is made.
    pub payouts: i64,
    /// How far the payouts purse may be overdrawn.
    pub overdraft: i64,
}

/// Numbers beside the documented ones that behave in a known way, for a demonstration. All others fail.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// Collections and payouts succeed.
    pub succeed: Vec<String>,
    /// Nobody answers: a collection waits until it is due, a payout for [`Settings::silent_payout_after`].
    pub silent: Vec<String>,
}

/// What the payer on the hosted page does, in basis points; the rest looks at the page and leaves.
#[derive(Debug, Clone, Copy)]
pub struct Payer {
    /// Pays.
    pub pays: u16,
    /// Fails first (of those who pay) and pays on the second try.
    pub fails_first: u16,
    /// Fails and gives up.
    pub fails: u16,
    /// Pays at the merchant's counter, where it is marked as paid.
    pub at_the_counter: u16,
    /// Calls it off, and the merchant cancels it.
    pub calls_off: u16,
}

impl Payer {
    /// Looks at the page and does one of these.
    const fn acts(self) -> u32 {
        self.pays as u32 + self.fails as u32 + self.at_the_counter as u32 + self.calls_off as u32
    }
}

/// What the simulator is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The brand that creates objects.
    pub brand_id: Uuid,
    /// The company.
    pub company_id: Uuid,
    /// The one secret key.
    pub secret_key: SecretString,
    /// Whether it is a test company: its objects carry the flag, and its operator is `SANDBOX`.
    pub is_test: bool,
    /// Currencies, at least one.
    pub currencies: Vec<CurrencySettings>,
    /// Fees and reserves.
    pub rates: Rates,
    /// Test numbers beside the three documented ones.
    pub numbers: Numbers,
    /// The payer on the hosted page.
    pub payer: Payer,
    /// Shortest and longest simulated time from execution to outcome.
    pub outcome_after: (Duration, Duration),
    /// Shortest and longest simulated time until the payer on the hosted page has looked and, again, paid.
    pub payer_after: (Duration, Duration),
    /// How long a purchase can be paid (provider facts, section 4.1).
    pub due_after: Duration,
    /// After how long a payout to a number where nobody answers succeeds (provider facts, section 6.4: up to five
    /// days).
    pub silent_payout_after: Duration,
    /// How long a slow refund, capture or release takes.
    pub slow_after: Duration,
    /// How long a statement takes (provider facts, section 11).
    pub statement_after: Duration,
    /// How long its link is good.
    pub link_lifetime: Duration,
    /// How long two webhook keys are published together, either of which signs.
    pub key_overlap: Duration,
    /// Simulated time from an event to its first delivery.
    pub webhook_after: Duration,
    /// Real time that the receiver has to answer.
    pub webhook_timeout: Duration,
    /// Bits of the webhook's key and of the company's.
    pub key_bits: (usize, usize),
    /// Faults at the start.
    pub faults: Faults,
}

impl Settings {
    /// Documented behaviour and the assumptions of section 15 of the provider facts, without faults.
    pub fn new(brand_id: Uuid, secret_key: SecretString, currencies: Vec<CurrencySettings>) -> Self {
        Self {
            brand_id,
            company_id: uuid::uuid!("706d0675-b131-468c-940d-bc0ea3599e7f"),
            secret_key,
            is_test: true,
            currencies,
            rates: Rates {
                mobile: Rate::fee(300),
                card: Rate { fee: 650, reserve: 0 },
                unfreeze_after: Duration::from_secs(259_200),
                ..Rates::default()
            },
            numbers: Numbers::default(),
            payer: Payer { pays: ALWAYS, fails_first: 0, fails: 0, at_the_counter: 0, calls_off: 0 },
            outcome_after: (Duration::from_secs(3), Duration::from_secs(20)),
            payer_after: (Duration::from_secs(20), Duration::from_secs(120)),
            due_after: Duration::from_secs(3_600),
            silent_payout_after: Duration::from_secs(3 * 86_400),
            slow_after: Duration::from_secs(90),
            statement_after: Duration::from_secs(2),
            link_lifetime: Duration::from_secs(3_600),
            key_overlap: Duration::from_secs(3_600),
            webhook_after: Duration::from_secs(1),
            webhook_timeout: Duration::from_secs(10),
            key_bits: (2_048, 3_072),
            faults: Faults::default(),
        }
    }

    /// The currency of a code, if it is offered.
    pub(super) fn currency(&self, code: &str) -> Option<&CurrencySettings> {
        self.currencies.iter().find(|one| one.code == code)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.secret_key.expose_secret().is_empty() {
            return Err(bad("secret_key is needed"));
        }
        if self.currencies.is_empty() || self.currencies.len() > 20 {
            return Err(bad("1 to 20 currencies are needed"));
        }
        for one in &self.currencies {
            let codes: BTreeMap<_, _> = self.currencies.iter().map(|one| (&one.code, ())).collect();
            let usable = one.code.len() == 3 && one.exponent <= 4 && codes.len() == self.currencies.len();
            if !usable || one.collections.min(one.payouts).min(one.overdraft) < 0 {
                return Err(bad("a currency has a code of its own, at most 4 digits and no negative figure"));
            }
        }
        let rates = &self.rates;
        for rate in [rates.mobile, rates.card, rates.mobile_payout, rates.bank_payout, rates.refund, rates.chargeback] {
            if u32::from(rate.fee) + u32::from(rate.reserve) > u32::from(ALWAYS) {
                return Err(bad("fee and reserve are together at most 10000 basis points"));
            }
        }
        if self.outcome_after.0 > self.outcome_after.1 || self.payer_after.0 > self.payer_after.1 {
            return Err(bad("a shortest and a longest time come in this order"));
        }
        if self.payer.acts() > u32::from(ALWAYS) {
            return Err(bad("the payer does something at most 10000 times in 10000"));
        }
        let bits = |bits: usize| (1_024..=4_096).contains(&bits) && bits.is_multiple_of(16);
        if !bits(self.key_bits.0) || !bits(self.key_bits.1) {
            return Err(bad("a key has 1024 to 4096 bits, in steps of 16"));
        }
        self.faults.check()
    }
}

pub(super) fn bad(text: &str) -> SimulatorError {
    SimulatorError::Settings(text.to_owned())
}
