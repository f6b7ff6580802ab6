//! What the demo plays on this simulator: a merchant with a wallet each of US and Liberian dollars and a second one whose
//! payers pay US dollars in Liberian ones; collections with and without items, hosted checkouts, payouts to phones, and
//! the faults at the rates of a bad week.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::settings::Numbers;
use super::{
    Charge, Charges, DollrSimulator, Fault, Faults, FxRate, MerchantSettings, Payer, Settings, WalletSettings,
};
use crate::settings::{ConnectionSettings, PollSettings, WalletSettings as OurWallet};
use crate::simulator::draw::Draws;
use crate::simulator::stage::{
    PushTarget, Running, Stage, StageBeneficiary, StageOrder, StagePayment, StagePayout, StagePlan, cost_of, sold,
};
use crate::simulator::{Result, work};

/// The stage of this provider.
pub struct DollrStage;

const PROVIDER: &str = "dollr";

/// A merchant on the stage: its wallets are id, code, currency and opening.
struct House {
    slug: &'static str,
    id: i64,
    client: [&'static str; 3],
    phone: &'static str,
    wallets: &'static [(i64, &'static str, &'static str, i32)],
    payer_currency: Option<&'static str>,
}

const HOUSES: [House; 2] = [
    House {
        slug: "dollr-main",
        id: 42,
        client: ["sim-client-00000042", "simulated-dollr-client-secret-042", "417042"],
        phone: "231770000042",
        wallets: &[(3, "usd", "USD", 2_000), (4, "lrd", "LRD", 300_000)],
        payer_currency: None,
    },
    House {
        slug: "dollr-abroad",
        id: 43,
        client: ["sim-client-00000043", "simulated-dollr-client-secret-043", "417043"],
        phone: "231770000043",
        wallets: &[(5, "usd", "USD", 1_000)],
        payer_currency: Some("LRD"),
    },
];

/// The rates, in basis points.
const RATES: [(Fault, u16); 21] = [
    (Fault::CutBefore, 150),
    (Fault::CreateLost, 300),
    (Fault::ExecuteTimeout, 250),
    (Fault::ExecuteError, 250),
    (Fault::ExecuteHalf, 200),
    (Fault::ExecuteHtml, 150),
    (Fault::TokenExpired, 100),
    (Fault::RateLimited, 100),
    (Fault::RateLimitedBare, 100),
    (Fault::ServerError, 250),
    (Fault::HalfAnswer, 200),
    (Fault::HtmlAnswer, 100),
    (Fault::UnknownStatus, 200),
    (Fault::ExtraFields, 500),
    (Fault::FailedAtOnce, 200),
    (Fault::SlowProcessing, 300),
    (Fault::NotFoundSoon, 400),
    (Fault::OtherSuccessWord, 3_000),
    (Fault::FxMoved, 2_000),
    (Fault::SessionExpired, 150),
    (Fault::ReceiptLate, 500),
];

/// The rates where wallets have money, in basis points.
const FUNDED_RATES: [(Fault, u16); 1] = [(Fault::PayoutFailed, 400)];

/// Prefixes of test numbers, all but the last digit: those that succeed (of two operators), fail, are silent, and pay
/// after a while.
const SUCCEED: [&str; 2] = ["23177100000", "23188100000"];
const FAIL: &str = "23177990000";
const SILENT: &str = "23177880000";
const LATER: &str = "23188550000";
const GOODS: [&str; 6] = ["Rice 25 kg", "Palm oil 1 l", "School book", "Soap", "Phone credit", "Umbrella"];
/// A cent and a whole unit at the scale of amounts.
const CENT: i64 = 100;
const UNIT: i64 = 10_000;

fn phone(group: u64, digit: u64) -> String {
    let prefix = match group {
        0..45 => SUCCEED[0],
        45..80 => SUCCEED[1],
        80..88 => FAIL,
        88..93 => SILENT,
        _ => LATER,
    };
    [prefix, &digit.to_string()].concat()
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap_or_else(|_| unreachable!("the codes above are currency codes"))
}

fn faults(plan: &StagePlan, funded: bool) -> Faults {
    let mut faults = Faults::seeded(plan.seed);
    if plan.faults {
        let rates = RATES.iter().chain(FUNDED_RATES.iter().filter(|_| funded));
        faults = rates.fold(faults, |faults, (fault, rate)| faults.with(*fault, *rate));
    }
    // Longer than the connection's own timeout below, short enough not to hold the run up.
    faults.parameters.hold_ms = 400;
    faults
}

async fn open(plan: StagePlan, funded: bool) -> Result<Arc<dyn Running>> {
    let merchant = |house: &House| MerchantSettings {
        id: house.id,
        name: house.slug.to_owned(),
        kind: "ORGANIZATION",
        client_id: house.client[0].to_owned(),
        client_secret: SecretString::from(house.client[1]),
        passcode: SecretString::from(house.client[2]),
        phone: house.phone.to_owned(),
        user_id: format!("user-{}", house.id),
        wallets: house
            .wallets
            .iter()
            .map(|(id, _, code, opening)| WalletSettings {
                id: *id,
                currency: currency(code),
                opening: if funded { Amount::whole(*opening) } else { Amount::ZERO },
            })
            .collect(),
    };
    let mut settings = Settings::new(HOUSES.iter().map(merchant).collect());
    // No rate of theirs is published: these are ours, odd enough that every fee has to be exact.
    let fixed = |hundredths: i64, cents: i64| Charge {
        fixed: Amount::from_scaled(cents * CENT),
        ..Charge::percent(hundredths)
    };
    settings.collection = Charges { gateway: fixed(125, 5), platform: Charge::percent(150) };
    settings.payout = Charges { gateway: Charge::percent(110), platform: Charge::percent(75) };
    settings.fx_percent = Charge::percent(65).percent;
    let rate = Amount::from_scaled(195 * UNIT + 2_500);
    settings.rates = vec![FxRate { from: "USD".to_owned(), to: "LRD".to_owned(), rate }];
    settings.numbers =
        Numbers { fail: vec![FAIL.to_owned()], silent: vec![SILENT.to_owned()], later: vec![LATER.to_owned()] };
    settings.payer = Payer { leaves: 1_000, calls_off: 1_000, other_currency: 4_000, card: 2_500 };
    // Sooner than a failed payment is looked at again, so that whoever looks sees it.
    settings.tidied_after = Some(Duration::from_secs(600));
    settings.faults = faults(&plan, funded);
    Ok(DollrSimulator::build(&plan.file, settings, plan.clock).await?)
}

#[async_trait]
impl Stage for DollrStage {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, false).await
    }

    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, true).await
    }

    fn payment(&self, seed: u64, n: u64) -> StagePayment {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        let (main, abroad) = (HOUSES[0].slug, HOUSES[1].slug);
        let cents = |least: u64, span: u64| i64::try_from(least + draw("amount", span)).unwrap_or(500) * CENT;
        let (slug, wallet, code, items, plain, hosted) = match draw("payment_kind", 100) {
            0..25 => (main, "usd", "USD", Vec::new(), cents(250, 4_750), false),
            25..45 => (main, "lrd", "LRD", Vec::new(), (cents(30_000, 500_000) / UNIT) * UNIT, false),
            45..60 => (main, "usd", "USD", sold(&GOODS, draw, 2 + draw("items", 2), (199, 900, CENT)), 0, false),
            60..80 => (main, "usd", "USD", sold(&GOODS, draw, 1 + draw("items", 3), (199, 1_300, CENT)), 0, true),
            80..90 => (abroad, "usd", "USD", Vec::new(), cents(500, 6_000), false),
            _ => (abroad, "usd", "USD", sold(&GOODS, draw, 1 + draw("items", 2), (299, 900, CENT)), 0, false),
        };
        // A checkout cannot say who bears its fees: there it is the payer.
        let on_top = hosted || draw("bearer", 2) == 0;
        StagePayment {
            slug,
            wallet,
            amount: if items.is_empty() { Amount::from_scaled(plain) } else { cost_of(&items) },
            currency: currency(code),
            payer_phone: phone(draw("group", 100), draw("digit", 10)),
            fee_bearer: if on_top { Bearer::Payer } else { Bearer::Merchant },
            items,
            hosted,
        }
    }

    fn order(&self, seed: u64, n: u64) -> StageOrder {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        if draw("order", 100) < 82 {
            return StageOrder::Collect(self.payment(seed, n));
        }
        let (wallet, code, scaled) = match draw("payout_wallet", 3) {
            0 => ("lrd", "LRD", (200 + draw("payout_amount", 4_000)) * 10_000),
            _ => ("usd", "USD", (150 + draw("payout_amount", 3_000)) * 100),
        };
        StageOrder::PayOut(StagePayout {
            slug: HOUSES[0].slug,
            wallet,
            amount: Amount::from_scaled(i64::try_from(scaled).unwrap_or(UNIT)),
            currency: currency(code),
            beneficiary: StageBeneficiary::Phone(phone(draw("payee_group", 100), draw("payee_digit", 10))),
        })
    }
}

#[async_trait]
impl Running for DollrSimulator {
    async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()> {
        work::serve(self, listener, work::until(stop)).await
    }

    /// They have no webhooks and nowhere to register one (provider facts, section 12).
    fn push_to(&self, _: PushTarget) -> Result<()> {
        Ok(())
    }

    async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    fn change_faults(&self, change: &serde_json::Value) -> Result<()> {
        self.core.change_faults(change)
    }

    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings> {
        let secrets = |house: &House| {
            let [client, secret, passcode] = house.client;
            let pairs = [
                ("client_id", client),
                ("client_secret", secret),
                ("passcode", passcode),
                ("passcode_phone", house.phone),
            ];
            pairs.into_iter().map(|(name, value)| (name.to_owned(), SecretString::from(value))).collect()
        };
        let options = |house: &House| {
            let always =
                [("country_code", "LR"), ("device_name", "simulated till"), ("device_client_ip", "203.0.113.10")];
            let own = house.payer_currency.map(|code| ("payer_currency", code));
            always.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let wallet = |(id, code, money, _): &(i64, &str, &str, i32)| OurWallet {
            id: id.to_string(),
            code: (*code).to_owned(),
            currency: currency(money),
            purse: None,
        };
        let connection = |house: &House| ConnectionSettings {
            slug: house.slug.to_owned(),
            provider: PROVIDER.to_owned(),
            account: house.id.to_string(),
            account_code: None,
            simulated: true,
            urls: BTreeMap::from([("api".to_owned(), base_url.to_owned())]),
            secrets: secrets(house),
            options: options(house),
            wallets: house.wallets.iter().map(wallet).collect(),
            poll: PollSettings {
                first_secs: 5,
                routine_secs: BTreeMap::from([("merchant".to_owned(), 3_600), ("fee_tiers".to_owned(), 3_600)]),
                alarm_after_secs: 7_200,
                ..PollSettings::default()
            },
            timeout_ms: 250,
        };
        HOUSES.iter().map(connection).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_everything_has_its_shares() {
        let (mut plain, mut sold, mut hosted, mut abroad, mut payouts) = (0, 0, 0, 0, 0);
        for n in 0..2_000 {
            match DollrStage.order(7, n) {
                StageOrder::Collect(one) => {
                    let alone = DollrStage.payment(7, n);
                    assert_eq!((one.amount, one.hosted), (alone.amount, alone.hosted));
                    assert!(one.amount.is_positive() && (one.items.is_empty() || cost_of(&one.items) == one.amount));
                    abroad += usize::from(one.slug == HOUSES[1].slug);
                    match (one.items.is_empty(), one.hosted) {
                        (true, _) => plain += 1,
                        (false, false) => sold += 1,
                        (false, true) => hosted += 1,
                    }
                }
                StageOrder::PayOut(_) => payouts += 1,
                StageOrder::Refund(_) => unreachable!("nothing can be refunded here"),
            }
        }
        assert!((800..1_000).contains(&plain) && (330..480).contains(&sold) && (270..390).contains(&hosted));
        assert!((270..390).contains(&abroad) && (300..420).contains(&payouts));
    }
}
