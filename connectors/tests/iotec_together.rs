//! ioTec Pay's client and translator against the simulated provider: what we read adds up to its own books.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::connector::{
    CallError, Checkout, CollectCall, Connector, Destination, Input, ObjectRef, PartyDetails, PayoutCall,
    ProviderClient, RawAnswer, Said, Translation, Watch,
};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_connectors::providers::iotec::simulator::{
    ChargeCustomer, Fault, Faults, IotecSimulator, PayoutFee, Settings, WalletSettings,
};
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::Simulator;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Body, Clock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const WALLET: &str = "5e83b187-801e-410e-b76e-f491928547e0";
const SECRET: &str = "IO-secret-of-the-test";

struct House {
    sim: Arc<IotecSimulator>,
    clock: Arc<SimClock>,
    client: Arc<dyn ProviderClient>,
    options: BTreeMap<String, String>,
    _file: tempfile::TempDir,
}

async fn house(category: &str, reading: &str, faults: Faults) -> House {
    let options = json!({"transaction_charges_category": category, "charge_customer": reading});
    house_with(options, Amount::ZERO, faults).await
}

async fn house_with(options: Value, opening: Amount, faults: Faults) -> House {
    let file = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::new("2026-05-03T09:00:00Z".parse().unwrap()));
    let (name, currency) = ("MY WALLET".to_owned(), "ITX".parse().unwrap());
    let wallet = WalletSettings { id: WALLET.parse().unwrap(), name, currency, opening, callback: None };
    let mut theirs = Settings::new("pay-test", SECRET.to_owned().into(), vec![wallet]);
    theirs.faults = faults;
    let sim = IotecSimulator::open_driven(&file.path().join("sim.db"), theirs, clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    let mut all = json!({"callback_header": "X-Key"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let settings: ConnectionSettings = serde_json::from_value(json!({
        "slug": "main", "provider": "iotec", "account": "pay-test", "simulated": true,
        "urls": {"api": base, "token": base},
        "secrets": {"client_secret": SECRET, "callback_value": "callback-secret"},
        "options": all,
        "wallets": [{"id": WALLET, "code": "main", "currency": "ITX"}],
    }))
    .unwrap();
    let client = Iotec.connect(&settings, clock.clone()).unwrap();
    House { sim, clock, client, options: settings.options, _file: file }
}

impl House {
    async fn collect(&self, reference: &str, payer: &str, amount: i32, bearer: Bearer) -> ObjectRef {
        let order = CollectCall {
            reference: reference.to_owned(),
            wallet: WALLET.to_owned(),
            amount: Amount::whole(amount),
            currency: "ITX".parse().unwrap(),
            payer: PartyDetails { phone: Some(payer.to_owned()), ..PartyDetails::default() },
            fee_bearer: bearer,
            note: None,
            items: Vec::new(),
            checkout: Checkout::default(),
            object: None,
            handle: None,
        };
        let mut result = self.client.collect(&order).await;
        // A broken token answer, or two tokens dropped in a row: nothing was processed, so the same call is made again.
        while let Err(CallError::NotSent(_) | CallError::Credentials(_)) = result {
            result = self.client.collect(&order).await;
        }
        match result {
            Ok(answer) => {
                let input = Input {
                    kind: answer.kind,
                    body: &answer.body,
                    options: &self.options,
                    received_at: ensimbi_events::Time::from_micros(1_780_000_000_000_000),
                    mode: ensimbi_events::word::Mode::Test,
                };
                let translation = Iotec.translate(input).unwrap();
                assert!(matches!(&translation.said[..], [Said { body: Body::CollectionPending(_), .. }]));
                translation.watch[0].0.clone()
            }
            Err(CallError::Unknown(_)) => {
                ObjectRef { kind: "collection", id: None, reference: Some(reference.to_owned()) }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Moves the clock on and applies what is due there.
    async fn later(&self, seconds: u64) {
        self.clock.advance_to(self.clock.now().plus(Duration::from_secs(seconds)));
        while self.sim.due(self.clock.now()).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn read(&self, object: &ObjectRef) -> (Option<Said>, Watch) {
        for _ in 0..20 {
            match self.client.read(object, None).await {
                Ok(answers) => {
                    let answer = &answers[0];
                    let input = Input {
                        kind: answer.kind,
                        body: &answer.body,
                        options: &self.options,
                        received_at: ensimbi_events::Time::from_micros(1_780_000_000_000_000),
                        mode: ensimbi_events::word::Mode::Test,
                    };
                    let mut translation = Iotec.translate(input).unwrap();
                    return (translation.said.pop(), translation.watch[0].1);
                }
                Err(CallError::NotSent(_) | CallError::Credentials(_) | CallError::Unknown(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("no answer in 20 tries");
    }

    fn translated(&self, answer: &RawAnswer) -> Translation {
        let received_at = self.clock.now();
        let input = Input {
            kind: answer.kind,
            body: &answer.body,
            options: &self.options,
            received_at,
            mode: ensimbi_events::word::Mode::Test,
        };
        Iotec.translate(input).unwrap()
    }

    async fn pay(&self, reference: &str, phone: &str, amount: i32) -> ObjectRef {
        let order = PayoutCall {
            reference: reference.to_owned(),
            wallet: WALLET.to_owned(),
            amount: Amount::whole(amount),
            currency: "ITX".parse().unwrap(),
            to: Destination::Mobile { phone: phone.to_owned() },
            bank_id: None,
            name: None,
            note: None,
            object: None,
            handle: None,
        };
        let mut result = self.client.pay(&order).await;
        while let Err(CallError::NotSent(_) | CallError::Credentials(_)) = result {
            result = self.client.pay(&order).await;
        }
        match result {
            Ok(answer) => {
                let translation = self.translated(&answer);
                assert!(matches!(&translation.said[..], [Said { body: Body::PayoutPending(_), .. }]));
                translation.watch[0].0.clone()
            }
            Err(CallError::Unknown(_)) => {
                ObjectRef { kind: "disbursement", id: None, reference: Some(reference.to_owned()) }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads an object and whatever its answers ask for, until nothing more is asked for.
    async fn follow(&self, object: &ObjectRef) -> Vec<Said> {
        let mut said = Vec::new();
        let mut asked = vec![object.clone()];
        while let Some(object) = asked.pop() {
            let answers = self.client.read(&object, None).await.unwrap();
            for translation in answers.iter().map(|answer| self.translated(answer)) {
                said.extend(translation.said);
                asked.extend(translation.watch.into_iter().map(|(of, _)| of).filter(|of| of.kind != object.kind));
            }
        }
        said
    }

    async fn balance(&self) -> Amount {
        self.sim.wallets().await.unwrap()[0].balance
    }
}

/// What a statement does to the wallet; nothing doubtful may come out of undisturbed books.
fn moved(said: &Said) -> Amount {
    assert_eq!(said.doubt, None, "{said:?}");
    match &said.body {
        Body::CollectionSucceeded(body) => body.net,
        Body::CollectionReversed(body) => body.from_wallet.checked_neg().unwrap(),
        Body::PayoutSucceeded(body) => body.wallet_debit.checked_neg().unwrap(),
        Body::PayoutReversed(body) => body.wallet_credit,
        Body::FeeCharged(body) => {
            Amount::checked_sum(body.fees.iter().map(|fee| fee.amount)).unwrap().checked_neg().unwrap()
        }
        _ => Amount::ZERO,
    }
}

#[tokio::test]
async fn what_we_read_is_what_their_wallet_holds_in_every_reading() {
    for (category, reading, bearer) in [
        ("ChargeWallet", "A", Bearer::Merchant),
        ("ChargeCustomer", "A", Bearer::Payer),
        ("ChargeCustomer", "B", Bearer::Merchant),
    ] {
        for keeps_fee in [false, true] {
            let mut faults = Faults::seeded(7).with(Fault::RolledBackLater, 4_000);
            faults.switches.rollback_keeps_fee = keeps_fee;
            faults.switches.charge_customer = if reading == "B" { ChargeCustomer::B } else { ChargeCustomer::A };
            let house = house(category, reading, faults).await;
            let mut objects = Vec::new();
            for (n, payer) in ["0111777771", "0111777772", "0111777991", "0111777781", "0111777791"].iter().enumerate()
            {
                for amount in [700, 701, 123_457] {
                    objects.push(house.collect(&format!("r{n}-{amount}"), payer, amount, bearer).await);
                }
            }
            house.later(60).await;
            let mut wallet = Amount::ZERO;
            let mut settled = Vec::new();
            for object in &objects {
                let (said, watch) = house.read(object).await;
                wallet = wallet.checked_add(moved(&said.unwrap())).unwrap();
                settled.extend((watch == Watch::Settled).then_some(object));
            }
            assert!(!settled.is_empty());
            assert_eq!(wallet, house.balance().await, "{category} {reading} {keeps_fee}: before rollbacks");
            house.later(7 * 86_400).await;
            let mut reversed = 0;
            for object in settled {
                let said = house.read(object).await.0.unwrap();
                if matches!(said.body, Body::CollectionReversed(_)) {
                    wallet = wallet.checked_add(moved(&said)).unwrap();
                    reversed += 1;
                }
            }
            assert!(reversed > 0);
            assert_eq!(wallet, house.balance().await, "{category} {reading} {keeps_fee}: after rollbacks");
        }
    }
}

#[tokio::test]
async fn bad_answers_lose_nothing_and_charge_nobody_twice() {
    let faults = Faults::seeded(11)
        .with(Fault::ErrorAfterAcceptance, 2_000)
        .with(Fault::HalfAnswer, 2_000)
        .with(Fault::HtmlAnswer, 1_000)
        .with(Fault::UnauthorizedMidRun, 2_000)
        .with(Fault::UnknownStatus, 1_000)
        .with(Fault::ExtraFields, 5_000);
    let house = house("ChargeWallet", "A", faults).await;
    let mut objects = Vec::new();
    for n in 0..40 {
        objects.push(house.collect(&format!("r{n}"), "0111777771", 700 + n, Bearer::Merchant).await);
    }
    assert!(objects.iter().any(|object| object.id.is_none()), "some answers were lost");
    house.later(60).await;
    let mut wallet = Amount::ZERO;
    for object in &objects {
        let said = loop {
            if let (Some(said), Watch::Settled) = house.read(object).await {
                break said;
            }
        };
        assert_eq!(said.object.reference, object.reference);
        wallet = wallet.checked_add(moved(&said)).unwrap();
    }
    assert_eq!(house.sim.collections().await.unwrap().len(), 40);
    assert_eq!(wallet, house.balance().await);
}

#[tokio::test]
async fn what_we_read_of_payouts_is_what_their_wallet_holds_in_every_reading() {
    let opening = Amount::whole(5_000_000);
    for (reading, theirs) in [("on_top", PayoutFee::OnTop), ("inside", PayoutFee::Inside)] {
        for keeps_fee in [false, true] {
            let mut faults = Faults::seeded(7).with(Fault::PayoutRolledBackLater, 4_000);
            if keeps_fee {
                faults = faults.with(Fault::PayoutFeeKept, 5_000);
            }
            faults.switches.rollback_keeps_fee = keeps_fee;
            faults.switches.payout_fee = theirs;
            let house = house_with(json!({"payout_fee": reading}), opening, faults).await;
            let mut objects = Vec::new();
            for (n, phone) in ["0111777771", "0111777772", "0111777991", "0111777773"].iter().enumerate() {
                for amount in [700, 60_001, 123_457] {
                    objects.push(house.pay(&format!("p{n}-{amount}"), phone, amount).await);
                }
            }
            house.later(60).await;
            let mut wallet = opening;
            let (mut paid, mut kept) = (Vec::new(), 0);
            for object in &objects {
                let said = house.follow(object).await;
                kept += said.iter().filter(|said| matches!(said.body, Body::FeeCharged(_))).count();
                wallet = said.iter().map(moved).fold(wallet, |sum, moved| sum.checked_add(moved).unwrap());
                paid.extend(said.iter().any(|said| matches!(said.body, Body::PayoutSucceeded(_))).then_some(object));
            }
            assert_eq!(paid.len(), 9);
            assert_eq!(kept > 0, keeps_fee, "{reading}");
            assert_eq!(wallet, house.balance().await, "{reading} {keeps_fee}: before rollbacks");
            house.later(7 * 86_400).await;
            let mut reversed = 0;
            for object in paid {
                for said in house.follow(object).await {
                    if matches!(said.body, Body::PayoutReversed(_)) {
                        wallet = wallet.checked_add(moved(&said)).unwrap();
                        reversed += 1;
                    }
                }
            }
            assert!(reversed > 0);
            assert_eq!(wallet, house.balance().await, "{reading} {keeps_fee}: after rollbacks");
        }
    }
}

#[tokio::test]
async fn their_balance_banks_and_history_are_read_as_they_stand() {
    let mut faults = Faults::seeded(3);
    faults.switches.show_callback_secret = true;
    let house = house_with(json!({}), Amount::whole(1_000_000), faults).await;
    for n in 0..3 {
        house.pay(&format!("h{n}"), "0111777771", 1_000).await;
    }
    house.later(60).await;
    let of = |kind, id: &str| ObjectRef { kind, id: Some(id.to_owned()), reference: None };
    let balance = house.client.read(&of("wallet", WALLET), None).await.unwrap().remove(0);
    let Body::BalanceReported(body) = house.translated(&balance).said.remove(0).body else { panic!("no balance") };
    assert_eq!(body.balance, house.balance().await);
    let banks = house.client.read(&of("banks", "all"), None).await.unwrap().remove(0);
    assert!(!house.translated(&banks).banks.is_empty());
    let pages = house.client.read(&of("history", WALLET), None).await.unwrap();
    let pages: Vec<Translation> = pages.iter().map(|page| house.translated(page)).collect();
    let named: usize = pages.iter().map(|page| page.watch.len()).sum();
    let rows: usize = pages.iter().map(|page| page.rows.len()).sum();
    assert_eq!((named, rows), (3, 6));
    assert!(pages.iter().all(|page| page.said.is_empty() && page.unknown.is_empty()));
}
