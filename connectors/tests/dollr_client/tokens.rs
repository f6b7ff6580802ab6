//! Tokens: minutes, one for all, renewed in time.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::Clock;

use super::support::*;

const TIERS: &str = "GET /v1/fees/tiers";

async fn tiers(scene: &Scene) -> Result<(), CallError> {
    scene.read("fee_tiers", "all", None).await.map(drop)
}

async fn quiet() -> Scene {
    let mut scene = scene().await;
    for _ in 0..100 {
        scene = scene.on(TIERS, answer(200, "[]"));
    }
    scene
}

fn after(scene: &Scene, minutes: u64, seconds: u64) {
    scene.clock.advance_to(scene.clock.now().plus(Duration::from_secs(minutes * 60 + seconds)));
}

/// `expires_in` is in minutes (section 2): 60 of them, renewed when less than 5 are left.
#[tokio::test]
async fn a_token_lives_for_minutes_and_is_renewed_five_before_its_end() {
    let scene = quiet().await;
    for (minutes, seconds, tokens) in [(0, 0, 1), (54, 59, 1), (0, 1, 2), (54, 59, 2), (0, 1, 3)] {
        after(&scene, minutes, seconds);
        tiers(&scene).await.unwrap();
        assert_eq!(scene.tokens(), tokens);
    }
}

#[tokio::test]
async fn lifetimes_are_bounded_and_a_short_one_is_used_for_half() {
    let short = |expires_in: &str| format!(r#"{{"access_token":"token-x","expires_in":{expires_in}}}"#);
    for (expires_in, kept, renewed) in [
        ("8", 239, 2),
        ("2", 59, 2),
        ("0", 29, 2),
        ("\"60\"", 55 * 60 - 1, 2),
        ("null", 299, 2),
        ("-3", 299, 2),
        ("999999999999", 86_400 - 301, 2),
    ] {
        let scene = quiet().await.on(TOKEN, answer(200, short(expires_in)));
        tiers(&scene).await.unwrap();
        after(&scene, 0, kept);
        tiers(&scene).await.unwrap();
        assert_eq!(scene.tokens(), 1, "{expires_in}");
        after(&scene, 0, 1);
        tiers(&scene).await.unwrap();
        assert_eq!(scene.tokens(), renewed, "{expires_in}");
    }
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_request_also_one_that_fails() {
    for (scripted, works) in [(None, true), (Some(answer(503, "")), false)] {
        let mut scene = quiet().await;
        if let Some(scripted) = scripted {
            scene = scene.on(TOKEN, scripted);
        }
        let scene = Arc::new(scene);
        let all: Vec<_> = (0..50)
            .map(|_| {
                let scene = scene.clone();
                tokio::spawn(async move { tiers(&scene).await })
            })
            .collect();
        for one in all {
            let came = one.await.unwrap();
            assert!(if works { came.is_ok() } else { not_sent(&came.unwrap_err()) });
        }
        assert_eq!((scene.tokens(), scene.seen().len()), (1, if works { 50 } else { 0 }));
    }
}

#[tokio::test]
async fn what_an_answer_to_a_token_request_means() {
    let cases: [(Answer, Meaning); 9] = [
        (answer(401, TEXT), credentials),
        (answer(403, ""), credentials),
        (answer(422, MISSING), credentials),
        ((429, vec![("retry-after", "7")], String::new()), |why| {
            *why == CallError::RateLimited(Duration::from_secs(7))
        }),
        (answer(500, "<html>"), not_sent),
        (answer(404, TEXT), not_sent),
        (answer(200, "<html>"), not_sent),
        (answer(200, r#"{"access_token":null,"expires_in":60}"#), not_sent),
        (answer(200, r#"{"access_token":"a b","expires_in":60}"#), not_sent),
    ];
    for (scripted, meaning) in cases {
        let text = format!("{} {}", scripted.0, scripted.2);
        let scene = scene().await.on(TOKEN, scripted);
        let why = error(scene.client.collect(&order()).await);
        assert!(meaning(&why), "{text}: {why:?}");
        assert!(scene.seen().is_empty(), "{text}");
    }
}
