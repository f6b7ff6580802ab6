//! What the generator of a random book knows of each line: the other side of every comparison.

use ensimbi_events::word::{Bearer, Component, FigureSource};
use ensimbi_events::{ConnectionId, WalletId};
use ensimbi_projections::accounts::FlowDirection;
use uuid::Uuid;

use super::MemoryBook;

/// Where money is: connection, its code and provider, wallet, its code and currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub connection: ConnectionId,
    pub account_code: &'static str,
    pub provider: &'static str,
    pub wallet: WalletId,
    pub code: &'static str,
    pub currency: &'static str,
}

const fn place(n: u128, provider: &'static str, code: &'static str, currency: &'static str) -> Place {
    let connection = ConnectionId(Uuid::from_u128(0xc0 + (n / 10)));
    let account_code = if n < 10 { "main" } else { "other" };
    Place { connection, account_code, provider, wallet: WalletId(Uuid::from_u128(0xa0 + n)), code, currency }
}

pub const PLACES: [Place; 3] =
    [place(1, "acme", "w1", "UGX"), place(2, "acme", "w2", "USD"), place(11, "beta", "b1", "UGX")];

/// What a fee's line is, or, without component and bearer, a volume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kind {
    pub place: Option<Place>,
    /// Of the account's path, where the fact names no connection.
    pub account_code: &'static str,
    pub component: Option<Component>,
    pub bearer: Option<Bearer>,
    pub label: Option<String>,
    pub channel: Option<String>,
    pub direction: Option<FlowDirection>,
    pub source: Option<FigureSource>,
    pub currency: String,
    pub foreign: bool,
}

/// One line of the book, or one volume.
#[derive(Clone, Debug)]
pub struct Truth {
    pub position: u64,
    pub n: u32,
    pub account: String,
    pub currency: String,
    pub amount: i128,
    /// As reports date it.
    pub dated: i64,
    pub book_day: i64,
    pub kind: Option<Kind>,
}

/// One change of a wallet's figure: 0 posted, 1 held, 2 reserved.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub position: u64,
    pub wallet: WalletId,
    pub part: usize,
    pub amount: i128,
    pub at: i64,
}

/// The book with what it means.
#[derive(Default)]
pub struct Told {
    pub book: MemoryBook,
    pub lines: Vec<Truth>,
    pub volumes: Vec<Truth>,
    pub moves: Vec<Moved>,
    /// When each position was recorded.
    pub recorded: Vec<i64>,
}

/// `assets:wallet:<c>:<w>`
pub fn wallet_account(place: &Place) -> String {
    format!("assets:wallet:{}:{}", place.account_code, place.code)
}
