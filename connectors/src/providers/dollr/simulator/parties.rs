//! Parties and counterparties (provider facts, sections 3 and 4).

use super::Desk;
use super::errors::{Done, Refusal};
use super::json::{self, Json};
use super::request::Ask;
use super::rows::{Counterparty, Party};
use super::switches::{DuplicateParty, Switches};
use crate::simulator::Result;

const RELATIONSHIPS: [&str; 12] = [
    "CUSTOMER",
    "SUPPLIER",
    "EMPLOYEE",
    "FRIEND",
    "FAMILY",
    "DONOR",
    "DONEE",
    "CONTACT",
    "SERVICE_PROVIDER",
    "PARTNER",
    "BENEFICIARY",
    "SELF",
];
/// Most of one list; they document no pages.
pub(super) const LIST_MAX: i64 = 1_000;

/// Two letters as documented, or three as a live client sends them (section 1).
pub(super) fn is_country(text: &str) -> bool {
    matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

pub(super) fn shown(switches: &Switches, of: &Party) -> String {
    Json::new(switches)
        .int("id", of.id)
        .text("fullname", &of.fullname)
        .opt_text("phone", of.phone.as_deref())
        .opt_text("email", of.email.as_deref())
        .opt_text("country_code", of.country_code.as_deref())
        .times(of.created_at, of.updated_at)
        .end()
}

/// A party to be made.
pub(super) struct New<'a> {
    pub(super) fullname: &'a str,
    pub(super) phone: &'a str,
    pub(super) email: Option<&'a str>,
    pub(super) country_code: Option<&'a str>,
}

pub(super) async fn insert(desk: &mut Desk<'_>, merchant: i64, new: New<'_>) -> Result<Party> {
    Ok(sqlx::query_as(
        "INSERT INTO party (merchant, fullname, phone, email, country_code, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
    )
    .bind(merchant)
    .bind(new.fullname)
    .bind(new.phone)
    .bind(new.email)
    .bind(new.country_code)
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?)
}

/// The newest party of a phone (section 14, row 27).
pub(super) async fn by_phone(desk: &mut Desk<'_>, merchant: i64, phone: &str) -> Result<Option<Party>> {
    let query = "SELECT * FROM party WHERE merchant = ?1 AND phone = ?2 ORDER BY id DESC LIMIT 1";
    Ok(sqlx::query_as(query).bind(merchant).bind(phone).fetch_optional(&mut *desk.db).await?)
}

pub(super) async fn create(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (fullname, phone, email) = (read.text("fullname"), read.phone("phone"), read.opt_text("email"));
    let country = read.opt_text("country_code");
    if country.as_deref().is_some_and(|text| !is_country(text)) {
        read.refuse("country_code", "unknown country");
    }
    read.done()?;
    let switches = &desk.faults.switches;
    if switches.duplicate_party != DuplicateParty::Second
        && let Some(known) = by_phone(desk, ask.merchant, &phone).await?
    {
        return match switches.duplicate_party {
            DuplicateParty::Same => Ok(shown(switches, &known)),
            _ => Err(Refusal::body("phone", "a party with this phone already exists").into()),
        };
    }
    let new = New { fullname: &fullname, phone: &phone, email: email.as_deref(), country_code: country.as_deref() };
    Ok(shown(switches, &insert(desk, ask.merchant, new).await?))
}

pub(super) async fn list(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let part = read.opt_text("fullname").unwrap_or_default();
    read.done()?;
    let found: Vec<Party> = sqlx::query_as(
        "SELECT * FROM party WHERE merchant = ?1 AND instr(lower(fullname), lower(?2)) > 0 ORDER BY id LIMIT ?3",
    )
    .bind(ask.merchant)
    .bind(part)
    .bind(LIST_MAX)
    .fetch_all(&mut *desk.db)
    .await?;
    Ok(json::list(found.iter().map(|one| shown(&desk.faults.switches, one))))
}

pub(super) async fn retrieve(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let found = desk.party(ask.merchant, ask.id("id")?).await?.ok_or(Refusal::not_found())?;
    Ok(shown(&desk.faults.switches, &found))
}

pub(super) async fn link(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (relationship, party) = (read.word("relationship_type", &RELATIONSHIPS), read.opt_int("party_id"));
    read.done()?;
    if let Some(party) = party {
        desk.party(ask.merchant, party).await?.ok_or(Refusal::body("party_id", "no such party"))?;
    }
    let made = insert_link(desk, ask.merchant, &relationship, party).await?;
    Ok(flat(&desk.faults.switches, &made))
}

pub(super) async fn insert_link(
    desk: &mut Desk<'_>,
    merchant: i64,
    relationship: &str,
    party: Option<i64>,
) -> Result<Counterparty> {
    Ok(sqlx::query_as(
        "INSERT INTO counterparty (merchant, relationship_type, party, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?4) RETURNING *",
    )
    .bind(merchant)
    .bind(relationship)
    .bind(party)
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?)
}

/// As a create answers (section 4).
fn flat(switches: &Switches, of: &Counterparty) -> String {
    Json::new(switches)
        .int("id", of.id)
        .text("relationship_type", &of.relationship_type)
        .opt_int("party_id", of.party)
        .times(of.created_at, of.updated_at)
        .end()
}

/// With its party inside (section 4).
pub(super) async fn nested(desk: &mut Desk<'_>, merchant: i64, of: &Counterparty) -> Result<String> {
    let party = match of.party {
        Some(id) => desk.party(merchant, id).await?,
        None => None,
    };
    let switches = &desk.faults.switches;
    let party = party.map_or_else(|| "null".to_owned(), |party| shown(switches, &party));
    Ok(Json::new(switches)
        .int("id", of.id)
        .text("owner_party_type", "ORGANIZATION")
        .int("owner_party_id", merchant)
        .text("relationship_type", &of.relationship_type)
        .times(of.created_at, of.updated_at)
        .raw("party", &party)
        .end())
}

pub(super) async fn links(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let part = read.opt_text("fullname").unwrap_or_default();
    let relationship = read.opt_word("relationship_type", &RELATIONSHIPS);
    read.done()?;
    let found: Vec<Counterparty> = sqlx::query_as(
        "SELECT c.* FROM counterparty c LEFT JOIN party p ON p.id = c.party
         WHERE c.merchant = ?1 AND instr(lower(coalesce(p.fullname, '')), lower(?2)) > 0
           AND (?3 IS NULL OR c.relationship_type = ?3) ORDER BY c.id LIMIT ?4",
    )
    .bind(ask.merchant)
    .bind(part)
    .bind(relationship)
    .bind(LIST_MAX)
    .fetch_all(&mut *desk.db)
    .await?;
    let mut shown = Vec::with_capacity(found.len());
    for one in &found {
        shown.push(nested(desk, ask.merchant, one).await?);
    }
    Ok(json::list(shown))
}

pub(super) async fn linked(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let found = desk.counterparty(ask.merchant, ask.id("id")?).await?.ok_or(Refusal::not_found())?;
    Ok(nested(desk, ask.merchant, &found).await?)
}

pub(super) async fn relink(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut of = desk.counterparty(ask.merchant, ask.id("id")?).await?.ok_or(Refusal::not_found())?;
    let mut read = ask.body();
    let (relationship, party) = (read.opt_word("relationship_type", &RELATIONSHIPS), read.opt_int("party_id"));
    read.done()?;
    if let Some(party) = party {
        desk.party(ask.merchant, party).await?.ok_or(Refusal::body("party_id", "no such party"))?;
    }
    of.relationship_type = relationship.unwrap_or(of.relationship_type);
    of.party = party.or(of.party);
    of.updated_at = desk.now.micros();
    sqlx::query("UPDATE counterparty SET relationship_type = ?2, party = ?3, updated_at = ?4 WHERE id = ?1")
        .bind(of.id)
        .bind(&of.relationship_type)
        .bind(of.party)
        .bind(of.updated_at)
        .execute(&mut *desk.db)
        .await?;
    Ok(flat(&desk.faults.switches, &of))
}
