//! Statuses: which follows which (provider facts, sections 5 and 6.4), how one is entered, and how an object is shown.

use ensimbi_events::Time;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::objects::{self, Kind, Object, damaged};
use super::templates::seconds;
use crate::simulator::Result;

/// Whether a purchase may change so.
pub(super) fn purchase_may(from: &str, to: &str) -> bool {
    let given_up = matches!(to, "overdue" | "expired");
    match from {
        "created" | "sent" => matches!(to, "viewed" | "pending_execute" | "cancelled" | "paid") || given_up,
        "viewed" => matches!(to, "pending_execute" | "paid" | "error" | "cancelled") || given_up,
        "pending_execute" => matches!(to, "paid" | "error" | "hold" | "preauthorized") || given_up,
        "error" => matches!(to, "pending_execute" | "paid" | "cancelled"),
        "overdue" => {
            matches!(to, "viewed" | "pending_execute" | "paid" | "cancelled" | "error" | "hold" | "preauthorized")
        }
        // Only what was started in time.
        "expired" => matches!(to, "paid" | "hold"),
        "hold" => matches!(to, "pending_capture" | "pending_release" | "paid" | "released"),
        "pending_capture" => matches!(to, "paid" | "hold"),
        "pending_release" => matches!(to, "released" | "hold"),
        "paid" | "retrieved" => is_after_payment(to) && from != to,
        "refunded" => matches!(to, "refunded" | "pending_refund" | "charged_back" | "chargeback" | "retrieved"),
        "pending_refund" => matches!(to, "refunded" | "paid"),
        "charged_back" | "chargeback" => matches!(to, "paid" | "refunded"),
        "cleared" | "settled" | "blocked" => is_after_payment(to) || to == "paid",
        _ => false,
    }
}

/// What a paid purchase can become.
fn is_after_payment(status: &str) -> bool {
    matches!(
        status,
        "pending_refund" | "refunded" | "charged_back" | "chargeback" | "retrieved" | "cleared" | "settled" | "blocked"
    )
}

/// Whether a payout may change so. Nothing takes a success back; an error may be tried again.
pub(super) fn payout_may(from: &str, to: &str) -> bool {
    match from {
        "initialized" => matches!(to, "pending" | "error"),
        "pending" => matches!(to, "success" | "error"),
        "error" => to == "pending",
        _ => false,
    }
}

/// Whether nothing more is expected.
pub(super) fn is_final(of: &Object) -> bool {
    match of.kind {
        Kind::Purchase => !matches!(
            of.status(),
            "created"
                | "sent"
                | "viewed"
                | "pending_execute"
                | "overdue"
                | "hold"
                | "pending_capture"
                | "pending_release"
                | "pending_refund"
                | "pending_charge"
                | "preauthorized"
        ),
        Kind::Payout => !matches!(of.status(), "initialized" | "pending"),
        Kind::Refund | Kind::Chargeback => true,
    }
}

/// Enters a status: status, history and `updated_on`. `related`: the payment that is behind it.
///
/// # Errors
/// [`SimulatorError::Damaged`](crate::simulator::SimulatorError::Damaged) where it may not follow: callers check
/// before.
pub(super) async fn enter(
    db: &mut SqliteConnection,
    of: &mut Object,
    status: &str,
    related: Option<&str>,
    at: Time,
) -> Result<()> {
    let may = match of.kind {
        Kind::Purchase => purchase_may(of.status(), status),
        Kind::Payout => payout_may(of.status(), status),
        Kind::Refund | Kind::Chargeback => false,
    };
    if !may {
        return Err(damaged(&format!("a {} in {} cannot become {status}", of.kind.word(), of.status())));
    }
    let mut entry = json!({"status": status, "timestamp": seconds(at)});
    if let Some(id) = related {
        entry["related_object"] = json!({"type": "payment", "id": id});
    }
    if let Some(history) = of.doc["status_history"].as_array_mut() {
        history.push(entry);
    }
    of.doc["status"] = status.into();
    of.doc["updated_on"] = seconds(at).into();
    objects::save(db, of).await
}

/// The body of an object: its JSON with what depends on where the simulator is reached, without what is only noted
/// here.
pub(super) fn shown(of: &Object, base: &str) -> Value {
    let mut doc = of.doc.clone();
    if let Some(map) = doc.as_object_mut() {
        map.retain(|name, _| !name.starts_with('_'));
    }
    match of.kind {
        Kind::Purchase if doc["payment"].is_null() => doc["checkout_url"] = format!("{base}/p/{}/", of.id).into(),
        Kind::Purchase => doc["checkout_url"] = format!("{base}/p/{}/invoice/", of.id).into(),
        Kind::Payout => doc["execution_url"] = format!("{base}/po/{}/paytota_proxy/", of.id).into(),
        Kind::Refund | Kind::Chargeback => {}
    }
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelled_is_the_end_and_a_success_is_never_taken_back() {
        for to in ["created", "viewed", "pending_execute", "paid", "error", "expired", "refunded"] {
            assert!(!purchase_may("cancelled", to), "{to}");
        }
        for to in ["initialized", "pending", "error"] {
            assert!(!payout_may("success", to), "{to}");
        }
        assert!(
            purchase_may("expired", "paid")
                && purchase_may("error", "pending_execute")
                && payout_may("error", "pending")
        );
        assert!(!purchase_may("expired", "pending_execute") && !purchase_may("paid", "paid"));
    }
}
