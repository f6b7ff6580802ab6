//! Faults by seed, restarts, rollbacks and the control paths.

use super::support::*;

/// Everything a run under many faults decided, in a comparable form.
async fn run_with_faults(seed: u64) -> (Vec<String>, Vec<String>) {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let mut faulty = settings(Some(target));
    faulty.faults = Faults::seeded(seed)
        .with(Fault::CallbackLost, 3_000)
        .with(Fault::CallbackDoubled, 3_000)
        .with(Fault::CallbackLate, 3_000)
        .with(Fault::CallbackReordered, 3_000)
        .with(Fault::CallbackForged, 3_000)
        .with(Fault::RolledBackLater, 3_000)
        .with(Fault::ErrorAfterAcceptance, 3_000)
        .with(Fault::ServerError, 2_000);
    let sim = start(&path, faulty).await;
    let mut decided = Vec::new();
    for number in 0..12 {
        let (code, _) = sim.collect_any(&request(&format!("n{number}"), "0111777771", 700)).await;
        decided.push(format!("n{number} {code}"));
    }
    sim.drive(HOUR * 10).await;
    for one in sim.sim.collections().await.unwrap() {
        decided.push(format!("{} {:?} {} {}", one.id, one.external_id, one.status, one.net));
    }
    let mut callbacks: Vec<_> = received
        .lock()
        .unwrap()
        .iter()
        .map(|(header, body)| format!("{header:?} {} {} {}", body["id"], body["status"], body["externalId"]))
        .collect();
    callbacks.sort();
    sim.stop().await;
    (decided, callbacks)
}

impl Running {
    /// As [`Running::collect`], where the token call may fail as well.
    async fn collect_any(&self, body: &Value) -> (u16, String) {
        let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
        for _ in 0..10 {
            let answer = self.client.post(format!("{}/connect/token", self.base)).form(&form).send().await.unwrap();
            if answer.status() != 200 {
                continue;
            }
            let token: Value = answer.json().await.unwrap();
            let token = token["access_token"].as_str().unwrap();
            let url = format!("{}/api/collections/collect", self.base);
            let answer = self.client.post(url).bearer_auth(token).json(body).send().await.unwrap();
            return (answer.status().as_u16(), answer.text().await.unwrap());
        }
        panic!("more than three faults in a row");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_makes_one_run_and_another_seed_another() {
    let first = run_with_faults(7).await;
    assert_eq!(first, run_with_faults(7).await);
    assert_ne!(first, run_with_faults(8).await);
    assert!(first.1.iter().any(|one| one.contains("\"forged\"")), "{:?}", first.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_answers_about_one_object_end_after_three_in_a_row() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let id = sim.make("a", "0111777771", 700).await;
    let token = sim.token().await;
    let path = format!("/api/collections/status/{id}");
    for (fault, code) in [("server_error", 503), ("rate_limited", 429), ("html_answer", 200), ("unknown_status", 200)] {
        sim.sim.set_faults(Faults::default().with(serde_json::from_value(json!(fault)).unwrap(), 10_000)).unwrap();
        let mut good = 0;
        for _ in 0..8 {
            let (got, text) = sim.get_as(&token, &path).await;
            let body = serde_json::from_str::<Value>(&text).ok();
            if got == 200 && body.is_some_and(|body| body["status"] == "Pending") {
                good += 1
            } else {
                assert_eq!(got, code)
            }
        }
        assert_eq!(good, 2, "{fault}");
    }
    sim.sim.set_faults(Faults::default().with(Fault::UnauthorizedMidRun, 10_000)).unwrap();
    assert_eq!(sim.get_as(&token, &path).await.0, 401);
    sim.sim.set_faults(Faults::default()).unwrap();
    assert_eq!(sim.get_as(&token, &path).await.0, 401, "the token stays dropped");
    sim.sim.set_faults(Faults::default().with(Fault::ExtraFields, 10_000)).unwrap();
    assert_eq!(sim.status(&id).await["riskLevel"], -1);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_may_lose_its_answer_and_its_record_stays() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    let mut faults = Faults::default().with(Fault::TimeoutAfterAcceptance, 10_000);
    faults.parameters.hold_ms = 3_000;
    sim.sim.set_faults(faults).unwrap();
    let body = request("held", "0111777771", 700);
    let sending = sim.send(&body);
    let watching = async {
        while sim.sim.collections().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sim.sim.due(sim.clock.now()).await.unwrap()
    };
    let (sent, busy) = tokio::join!(sending, watching);
    assert!(sent.is_err(), "nothing of an answer may arrive");
    assert_eq!(busy, 1, "a held request keeps the clock");

    sim.sim.set_faults(Faults::default().with(Fault::ErrorAfterAcceptance, 10_000)).unwrap();
    assert_eq!(sim.collect(&request("failed", "0111777771", 700)).await.0, 500);
    sim.sim.set_faults(Faults::default().with(Fault::NotFoundRightAfter, 10_000)).unwrap();
    assert_eq!(sim.get("/api/collections/external-id/failed").await.0, 404);
    sim.sim.set_faults(Faults::default()).unwrap();
    for external_id in ["held", "failed"] {
        assert_eq!(sim.get(&format!("/api/collections/external-id/{external_id}")).await.0, 200);
    }
    sim.sim.set_faults(Faults::default().with(Fault::HalfAnswer, 10_000)).unwrap();
    let form = [("client_id", "pay-test"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
    for _ in 0..2 {
        let answer = sim.client.post(format!("{}/connect/token", sim.base)).form(&form).send().await;
        let text = match answer {
            Ok(answer) => answer.text().await,
            Err(error) => Err(error),
        };
        assert!(text.is_err() || serde_json::from_str::<Value>(&text.unwrap()).is_err());
    }
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_no_wallet_can_hold_fails_and_stops_nobody_else() {
    let (_folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    for external_id in ["a", "b"] {
        let mut body = request(external_id, "0111777771", 0);
        body["amount"] = json!(922_337_203_685_477_u64);
        assert_eq!(sim.collect(&body).await.0, 200);
    }
    sim.drive(HOUR).await;
    sim.make("c", "0111777991", 700).await;
    sim.drive(HOUR * 2).await;
    let mut states: Vec<_> = sim.sim.collections().await.unwrap().into_iter().map(|one| one.status).collect();
    states.sort_unstable();
    assert_eq!(states, ["Failed", "Failed", "Success"]);
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_can_overtake_the_answer_that_it_is_about() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let mut early = settings(Some(target));
    early.faults = Faults::default().with(Fault::CallbackBeforeAnswer, 10_000);
    let sim = start(&path, early).await;
    let id = sim.make("a", "0111777771", 700).await;
    assert_eq!(received.lock().unwrap()[0].1["id"], id.as_str());
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_takes_the_money_back_with_or_without_the_fee() {
    for (keeps_fee, balance, rows_expected) in [(false, "0", 4), (true, "-24.5", 3)] {
        let (_folder, path) = folder();
        let mut rolled = settings(None);
        rolled.faults = Faults::default().with(Fault::RolledBackLater, 10_000);
        rolled.faults.switches.rollback_keeps_fee = keeps_fee;
        let sim = start(&path, rolled).await;
        let id = sim.make("a", "0111777771", 700).await;
        sim.drive(HOUR).await;
        assert_eq!(sim.status(&id).await["status"], "Success");
        sim.drive(HOUR * 3).await;
        let body = sim.status(&id).await;
        assert_eq!(body["status"], "RolledBack");
        let rows = body["transactions"].as_array().unwrap();
        check_balance_law(rows);
        let reversing: Vec<_> = rows.iter().filter(|row| row["rollback"] == true).collect();
        assert_eq!((rows.len(), reversing.len()), (rows_expected, rows_expected - 2));
        assert_eq!(
            (reversing[0]["operation"].as_str(), reversing[0]["category"].as_str(), reversing[0]["amount"].as_i64()),
            (Some("Deduct"), Some("Rollback"), Some(700))
        );
        assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), balance);
        sim.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_books_clock_tokens_and_what_is_planned() {
    let (_folder, path) = folder();
    let (target, received) = receiver(Vec::new()).await;
    let sim = start(&path, settings(Some(target.clone()))).await;
    sim.make("done", "0111777771", 700).await;
    sim.drive(HOUR).await;
    let pending = sim.make("open", "0111777771", 700).await;
    let token = sim.token().await;
    let before = sim.sim.collections().await.unwrap();
    let told = received.lock().unwrap().len();
    let kept = sim.sim.stored_time().await.unwrap();
    assert_eq!(kept, start_time().plus(HOUR));
    sim.stop().await;

    // A clock that starts again at the beginning is taken forward.
    let sim = start(&path, settings(Some(target))).await;
    assert_eq!(sim.clock.now(), kept);
    assert_eq!(sim.sim.collections().await.unwrap(), before);
    assert_eq!(sim.get_as(&token, &format!("/api/collections/status/{pending}")).await.0, 200);
    sim.drive(HOUR * 2).await;
    assert_eq!(sim.status(&pending).await["status"], "Success");
    assert!(received.lock().unwrap().len() > told);
    assert_eq!(sim.sim.wallets().await.unwrap()[0].balance.to_string(), "1351");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_shows_and_moves_the_clock_only_where_it_is_its_own() {
    let (folder, path) = folder();
    let sim = start(&path, settings(None)).await;
    sim.make("a", "0111777771", 700).await;
    let (code, clock) = sim.control("clock", Some(json!({"advance_seconds": 60}))).await;
    assert_eq!(
        (code, clock["now"].as_str(), clock["simulated"].as_bool()),
        (200, Some("2026-05-03T09:01:00Z"), Some(true))
    );
    assert_eq!(sim.sim.collections().await.unwrap().len(), 1);
    assert_eq!(sim.control("clock", Some(json!({}))).await.0, 400);
    assert_eq!(sim.control("faults", Some(json!({"rates": {"nonsense": 1}}))).await.0, 400);
    sim.stop().await;

    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(start_time()));
    let other = IotecSimulator::open(&folder.path().join("other.db"), settings(None), clock).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/_sim/clock", listener.local_addr().unwrap());
    let router = other.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = Client::new().post(url).json(&json!({"advance_seconds": 60})).send().await.unwrap();
    assert_eq!(answer.status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_program_is_refused_with_a_sentence() {
    let (_folder, path) = folder();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE other (x)").execute(&pool).await.unwrap();
    pool.close().await;
    let clock = Arc::new(SimClock::new(start_time()));
    let refused = IotecSimulator::open(&path, settings(None), clock).await.err().unwrap();
    assert!(refused.to_string().contains("no simulator file of iotec"), "{refused}");
}
