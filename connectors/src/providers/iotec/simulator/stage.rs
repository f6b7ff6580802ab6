//! What the demo plays on this simulator: two connections of one client, one for each charge category, test numbers of
//! all four groups, payouts to phones and banks, and the faults at the rates of a bad week.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::{Uuid, uuid};

use super::banks::BANKS;
use super::settings::CallbackTarget;
use super::{Fault, Faults, IotecSimulator, Settings, WalletSettings};
use crate::settings::{ConnectionSettings, PollSettings, WalletSettings as OurWallet};
use crate::simulator::draw::Draws;
use crate::simulator::stage::{
    PushTarget, Running, Stage, StageBeneficiary, StageOrder, StagePayment, StagePayout, StagePlan,
};
use crate::simulator::{Result, SimulatorError, work};

/// The stage of this provider.
pub struct IotecStage;

const PROVIDER: &str = "iotec";
const CLIENT: &str = "pay-00000000-0000-4000-8000-000000000001";
const CLIENT_SECRET: &str = "IO-simulated-client-secret-000000";
const CALLBACK_HEADER: &str = "X-Callback-Secret";
const CALLBACK_VALUE: &str = "simulated-callback-secret-0000000001";

/// A wallet on the stage.
struct Purse {
    slug: &'static str,
    code: &'static str,
    id: Uuid,
    category: &'static str,
    bearer: Bearer,
}

const PURSES: [Purse; 2] = [
    Purse {
        slug: "iotec-main",
        code: "main",
        id: uuid!("5e83b187-801e-410e-b76e-f491928547e0"),
        category: "ChargeWallet",
        bearer: Bearer::Merchant,
    },
    Purse {
        slug: "iotec-shop",
        code: "shop",
        id: uuid!("5e83b187-801e-410e-b76e-f491928547e1"),
        category: "ChargeCustomer",
        bearer: Bearer::Payer,
    },
];

/// The rates, in basis points.
const RATES: [(Fault, u16); 15] = [
    (Fault::CallbackLate, 800),
    (Fault::CallbackLost, 1_000),
    (Fault::CallbackDoubled, 800),
    (Fault::CallbackReordered, 500),
    (Fault::CallbackForged, 300),
    (Fault::CallbackBeforeAnswer, 300),
    (Fault::TimeoutAfterAcceptance, 200),
    (Fault::ErrorAfterAcceptance, 300),
    (Fault::HalfAnswer, 300),
    (Fault::UnauthorizedMidRun, 150),
    (Fault::RateLimited, 150),
    (Fault::ServerError, 300),
    (Fault::RolledBackLater, 400),
    (Fault::UnknownStatus, 200),
    (Fault::ExtraFields, 500),
];

/// The rates of payouts, in basis points.
const PAYOUT_RATES: [(Fault, u16); 2] = [(Fault::PayoutRolledBack, 400), (Fault::PayoutRolledBackLater, 300)];

/// What each wallet has from the start, where it is to pay.
const OPENING: Amount = Amount::whole(500_000);

fn currency() -> Result<Currency> {
    "ITX".parse().map_err(|_| SimulatorError::Settings("ITX is no currency".to_owned()))
}

fn faults(plan: &StagePlan, payouts: bool) -> Faults {
    let calm = Faults::seeded(plan.seed);
    if !plan.faults {
        return calm;
    }
    let rates = RATES.iter().chain(PAYOUT_RATES.iter().filter(|_| payouts));
    let mut faults = rates.fold(calm, |faults, (fault, rate)| faults.with(*fault, *rate));
    // Longer than the connection's own timeout below, short enough not to hold the run up.
    faults.parameters.hold_ms = 400;
    faults
}

async fn open(plan: StagePlan, opening: Amount) -> Result<Arc<dyn Running>> {
    let currency = currency()?;
    let wallets = PURSES.iter().map(|purse| WalletSettings {
        id: purse.id,
        name: purse.code.to_uppercase(),
        currency,
        opening,
        callback: None,
    });
    let mut settings = Settings::new(CLIENT, SecretString::from(CLIENT_SECRET), wallets.collect());
    // Nobody stands at the phone: a prompt that is never answered ends by itself (provider facts, section 14, 11).
    settings.pending_timeout = Some(Duration::from_secs(300));
    settings.sent_to_vendor_timeout = Some(Duration::from_secs(420));
    settings.faults = faults(&plan, !opening.is_zero());
    Ok(IotecSimulator::build(&plan.file, settings, plan.clock).await?)
}

/// Most succeed; the other groups fail, stay pending, or stay with the network until they time out.
fn test_number(group: u64, digit: u64) -> String {
    let group = match group {
        0..80 => "011177777",
        80..90 => "011177799",
        90..95 => "011177778",
        _ => "011177779",
    };
    [group, &digit.to_string()].concat()
}

fn itx() -> Currency {
    currency().unwrap_or_else(|_| unreachable!("ITX is a currency code"))
}

#[async_trait]
impl Stage for IotecStage {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, Amount::ZERO).await
    }

    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, OPENING).await
    }

    fn payment(&self, seed: u64, n: u64) -> StagePayment {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        let purse = &PURSES[usize::from(draw("purse", 3) == 0)];
        // Odd amounts too: 1.5 % of 701 is 10.515, which must stay exact.
        let units = i32::try_from(500 + draw("amount", 19_501)).unwrap_or(500);
        StagePayment {
            slug: purse.slug,
            wallet: purse.code,
            amount: Amount::whole(units),
            currency: itx(),
            payer_phone: test_number(draw("group", 100), draw("digit", 10)),
            fee_bearer: purse.bearer,
            items: Vec::new(),
            hosted: false,
        }
    }

    fn order(&self, seed: u64, n: u64) -> StageOrder {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        let beneficiary = match draw("order", 100) {
            0..70 => return StageOrder::Collect(self.payment(seed, n)),
            70..95 => StageBeneficiary::Phone(test_number(draw("payee_group", 100), draw("payee_digit", 10))),
            _ => {
                let bank = &BANKS[usize::try_from(draw("bank", BANKS.len() as u64)).unwrap_or(0)];
                let number = draw("account_number", 10_u64.pow(bank.account_digits()));
                StageBeneficiary::Bank {
                    code: bank.code.to_owned(),
                    account_number: format!("{number:0width$}", width = bank.account_digits() as usize),
                    account_name: format!("Test Account {n}"),
                }
            }
        };
        let purse = &PURSES[usize::from(draw("payout_purse", 3) == 0)];
        let units = i32::try_from(500 + draw("payout_amount", 14_501)).unwrap_or(500);
        StageOrder::PayOut(StagePayout {
            slug: purse.slug,
            wallet: purse.code,
            amount: Amount::whole(units),
            currency: itx(),
            beneficiary,
        })
    }
}

#[async_trait]
impl Running for IotecSimulator {
    async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()> {
        work::serve(self, listener, work::until(stop)).await
    }

    fn push_to(&self, target: PushTarget) -> Result<()> {
        let purse = PURSES.iter().find(|purse| purse.slug == target.slug);
        let purse = purse.ok_or_else(|| SimulatorError::Settings("no wallet of that connection".to_owned()))?;
        let header = target.header.ok_or_else(|| SimulatorError::Settings("a static header is needed".to_owned()))?;
        let (header_name, header_value) = header;
        let callback = CallbackTarget { url: target.url, header_name, header_value };
        self.set_callback(&purse.id.to_string(), Some(callback))
    }

    async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    fn change_faults(&self, change: &serde_json::Value) -> Result<()> {
        self.core.change_faults(change)
    }

    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings> {
        let Ok(currency) = currency() else { return Vec::new() };
        let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let connection = |purse: &Purse| ConnectionSettings {
            slug: purse.slug.to_owned(),
            provider: PROVIDER.to_owned(),
            account: [CLIENT, ":", purse.code].concat(),
            account_code: None,
            simulated: true,
            urls: text(&[("api", base_url), ("token", base_url)]),
            secrets: BTreeMap::from([
                ("client_secret".to_owned(), SecretString::from(CLIENT_SECRET)),
                ("callback_value".to_owned(), SecretString::from(CALLBACK_VALUE)),
            ]),
            options: text(&[
                ("client_id", CLIENT),
                ("callback_header", CALLBACK_HEADER),
                ("transaction_charges_category", purse.category),
            ]),
            wallets: vec![OurWallet { id: purse.id.to_string(), code: purse.code.to_owned(), currency, purse: None }],
            poll: PollSettings::default(),
            timeout_ms: 250,
        };
        PURSES.iter().map(connection).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_everything_has_its_shares_and_keeps_the_collections_of_the_plain_run() {
        let (mut collections, mut phones, mut banks) = (0, 0, 0);
        for n in 0..2_000 {
            match IotecStage.order(7, n) {
                StageOrder::Collect(one) => {
                    assert_eq!(one.amount, IotecStage.payment(7, n).amount);
                    collections += 1;
                }
                StageOrder::PayOut(StagePayout { beneficiary: StageBeneficiary::Phone(_), .. }) => phones += 1,
                StageOrder::PayOut(StagePayout {
                    beneficiary: StageBeneficiary::Bank { code, account_number, .. },
                    ..
                }) => {
                    assert!(BANKS.iter().any(|bank| bank.code == code && bank.takes(&account_number)));
                    banks += 1;
                }
                StageOrder::Refund(_) => unreachable!("nothing can be refunded here"),
            }
        }
        assert!((1_300..1_500).contains(&collections) && (400..600).contains(&phones) && (60..140).contains(&banks));
    }
}
