//! ioTec Pay's client and translator against the simulated provider: what we read adds up to its own books.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::connector::{
    CallError, CollectCall, Connector, Input, ObjectRef, PartyDetails, ProviderClient, Said, Watch,
};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_connectors::providers::iotec::simulator::{
    ChargeCustomer, Fault, Faults, IotecSimulator, Settings, WalletSettings,
};
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::Simulator;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Body, Clock};
use serde_json::json;
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
    let file = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimClock::new("2026-05-03T09:00:00Z".parse().unwrap()));
    let (name, currency) = ("MY WALLET".to_owned(), "ITX".parse().unwrap());
    let wallet = WalletSettings { id: WALLET.parse().unwrap(), name, currency, opening: Amount::ZERO, callback: None };
    let mut theirs = Settings::new("pay-test", SECRET.to_owned().into(), vec![wallet]);
    theirs.faults = faults;
    let sim = IotecSimulator::open_driven(&file.path().join("sim.db"), theirs, clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sim.clone().serve(listener, std::future::pending()));
    let settings: ConnectionSettings = serde_json::from_value(json!({
        "slug": "main", "provider": "iotec", "account": "pay-test", "simulated": true,
        "urls": {"api": base, "token": base},
        "secrets": {"client_secret": SECRET, "callback_value": "callback-secret"},
        "options": {"callback_header": "X-Key", "transaction_charges_category": category, "charge_customer": reading},
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
            match self.client.read(object).await {
                Ok(answers) => {
                    let answer = &answers[0];
                    let input = Input {
                        kind: answer.kind,
                        body: &answer.body,
                        options: &self.options,
                        received_at: ensimbi_events::Time::from_micros(1_780_000_000_000_000),
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
