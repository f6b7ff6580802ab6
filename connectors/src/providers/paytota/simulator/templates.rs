//! The bodies of the seeds with every key and its empty value: purchase, payout, and the payment of a refund or
//! chargeback (provider facts, sections 4.2, 6.1 and 8; seeds 003 and 004). What is filled in when a body is shown
//! (`checkout_url`, `execution_url`, `event_type`) has its place here too.

use ensimbi_events::Time;
use serde_json::{Map, Value, json};

/// Whole seconds since 1970, as every time of the provider.
pub(super) const fn seconds(at: Time) -> i64 {
    at.micros().div_euclid(1_000_000)
}

/// Text fields of `client` with their longest length (provider facts, section 4.1; 128 where nothing is said).
pub(super) const CLIENT_TEXTS: [(&str, usize); 20] = [
    ("city", 128),
    ("email", 254),
    ("phone", 32),
    ("state", 128),
    ("country", 2),
    ("zip_code", 32),
    ("bank_code", 11),
    ("full_name", 128),
    ("brand_name", 128),
    ("legal_name", 128),
    ("tax_number", 128),
    ("bank_account", 34),
    ("personal_code", 128),
    ("shipping_city", 128),
    ("shipping_state", 128),
    ("street_address", 128),
    ("shipping_country", 2),
    ("shipping_zip_code", 32),
    ("registration_number", 128),
    ("shipping_street_address", 128),
];

/// The client with what was given of it.
pub(super) fn client(given: &Map<String, Value>) -> Value {
    let mut client = json!({
        "cc": [], "bcc": [], "client_type": null,
        "delivery_methods": [
            {"method": "email", "options": {}},
            {"method": "text_message", "options": {"custom_message": ""}},
        ],
    });
    for (name, _) in CLIENT_TEXTS {
        client[name] = given.get(name).and_then(Value::as_str).unwrap_or_default().into();
    }
    client
}

/// The money of an object (provider facts, section 7).
pub(super) struct Money {
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) pending: i64,
    pub(super) unfreeze: Option<Time>,
    pub(super) outgoing: bool,
    pub(super) payment_type: &'static str,
    pub(super) paid: Option<Time>,
}

impl Money {
    /// What the identity leaves: amount = net + fee + pending.
    pub(super) const fn net(&self) -> i64 {
        self.amount - self.fee - self.pending
    }

    pub(super) fn json(&self, currency: &str, description: &str) -> Value {
        let paid = self.paid.map(seconds);
        json!({
            "amount": self.amount, "fee_amount": self.fee, "net_amount": self.net(), "pending_amount": self.pending,
            "pending_unfreeze_on": self.unfreeze.map(seconds), "currency": currency, "is_outgoing": self.outgoing,
            "payment_type": self.payment_type, "paid_on": paid, "remote_paid_on": paid, "description": description,
            "owned_bank_account": null, "owned_bank_account_id": null, "owned_bank_code": null,
        })
    }
}

/// What every object has from the beginning.
pub(super) struct Start<'a> {
    pub(super) id: &'a str,
    pub(super) is_test: bool,
    pub(super) brand_id: &'a str,
    pub(super) company_id: &'a str,
    pub(super) reference: &'a str,
    pub(super) reference_generated: &'a str,
    pub(super) at: Time,
}

fn transaction_data() -> Value {
    json!({"flow": "payform", "extra": {}, "country": "", "attempts": [], "payment_method": ""})
}

/// A purchase as it is created. `asked`: the checked request.
pub(super) fn purchase(start: &Start<'_>, asked: Asked, due: i64) -> Value {
    let now = seconds(start.at);
    // The date in UTC, which is the only timezone taken.
    let mut issued = start.at.to_string();
    issued.truncate(10);
    let mut doc = json!({
        "id": start.id, "due": due, "type": "purchase", "client": asked.client, "issued": issued,
        "status": "created", "is_test": start.is_test, "payment": null, "product": "purchases", "user_id": null,
        "brand_id": start.brand_id, "order_id": null, "platform": "api", "purchase": asked.purchase,
        "client_id": asked.client_id, "reference": start.reference, "viewed_on": null,
        "company_id": start.company_id, "created_on": now, "updated_on": now, "invoice_url": null,
        "can_retrieve": false, "checkout_url": "", "send_receipt": false, "skip_capture": false, "creator_agent": "",
        "referral_code": null, "can_chargeback": false, "issuer_details": {
            "website": "", "brand_name": "TOTAL PAYMENTS", "legal_city": "Kampala", "legal_name": "PAYTOTA",
            "tax_number": "", "bank_accounts": [{"bank_code": "EQBLUGKAXXX", "bank_account": "1036200000000"}],
            "legal_country": "UG", "legal_zip_code": "23235", "registration_number": "80000000000000",
            "legal_street_address": "Plot 23 Binayomba Road, Bugolobi",
        },
    });
    let rest = json!({
        "marked_as_paid": false, "status_history": [{"status": "created", "timestamp": now}],
        "cancel_redirect": "", "created_from_ip": "127.0.0.1", "direct_post_url": null, "force_recurring": false,
        "recurring_token": null, "failure_redirect": "", "success_callback": "", "success_redirect": "",
        "transaction_data": transaction_data(), "upsell_campaigns": [], "refundable_amount": 0,
        "is_recurring_token": false, "billing_template_id": null, "currency_conversion": null,
        "reference_generated": start.reference_generated, "refund_availability": "none",
        "referral_campaign_id": null, "retain_level_details": null, "referral_code_details": null,
        "referral_code_generated": null, "payment_method_whitelist": null,
    });
    let top = asked.top.into_iter().map(|(name, value)| (name.to_owned(), value));
    if let (Value::Object(doc), Value::Object(rest)) = (&mut doc, rest) {
        doc.extend(rest.into_iter().chain(top));
    }
    doc
}

/// The parts of a checked request for a purchase: what stands in its place, and what replaces empty values at the top.
pub(super) struct Asked {
    pub(super) client: Value,
    pub(super) client_id: Value,
    pub(super) purchase: Value,
    pub(super) top: Vec<(&'static str, Value)>,
}

/// The `purchase` part with every key.
pub(super) fn details(currency: &str, products: Vec<Value>, total: i64, given: &Map<String, Value>) -> Value {
    let text = |name: &str, empty: &str| given.get(name).and_then(Value::as_str).unwrap_or(empty).to_owned();
    let number = |name: &str| given.get(name).and_then(Value::as_i64).map_or(Value::Null, Value::from);
    json!({
        "debt": given.get("debt").and_then(Value::as_i64).unwrap_or(0), "notes": text("notes", ""), "total": total,
        "currency": currency, "language": text("language", "en"), "products": products,
        "timezone": "UTC",
        "due_strict": given.get("due_strict").and_then(Value::as_bool).unwrap_or(false),
        "email_message": text("email_message", ""), "total_override": number("total_override"),
        "shipping_options": [], "subtotal_override": number("subtotal_override"),
        "total_tax_override": number("total_tax_override"), "has_upsell_products": false,
        "payment_method_details": {}, "request_client_details": [],
        "total_discount_override": number("total_discount_override"),
    })
}

/// A payout as it is created.
pub(super) fn payout(start: &Start<'_>, client: Value, payment: Value) -> Value {
    let now = seconds(start.at);
    json!({
        "id": start.id, "type": "payout", "client": client, "status": "initialized", "is_test": start.is_test,
        "payment": payment, "user_id": null, "brand_id": start.brand_id, "reference": start.reference,
        "company_id": start.company_id, "created_on": now, "updated_on": now, "sender_name": "",
        "execution_url": "", "status_history": [{"status": "initialized", "timestamp": now}],
        "transaction_data": transaction_data(), "reference_generated": start.reference_generated,
        "recipient_card_brand": null, "recipient_card_country": "", "payout_method_whitelist": null,
    })
}

/// A payment of its own: a refund, a chargeback, a chargeback reversed.
pub(super) fn payment(start: &Start<'_>, client: Value, payment: Value, related: Value, method: &str) -> Value {
    let now = seconds(start.at);
    json!({
        "id": start.id, "type": "payment", "status": "success", "is_test": start.is_test,
        "fee_amount": payment["fee_amount"], "related_to": related, "reference": start.reference,
        "refund_availability": "none",
        "transaction_data": {
            "flow": "payform", "payment_method": method, "country": "", "extra": {"amount": payment["amount"]},
        },
        "payment": payment, "account_extra": {}, "account_fx_rate": null, "account_fx_currency": null,
        "account_fx_buy_amount": null, "audit_log_entries": [], "currency_conversion": null,
        "company_id": start.company_id, "client": client, "user_id": null,
        "reference_generated": start.reference_generated, "created_on": now, "updated_on": now,
    })
}
