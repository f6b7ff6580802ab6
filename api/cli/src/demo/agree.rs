//! The four agreements: trial balance zero; wallets equal to the simulators' own books; equal to a naive recomputation;
//! `verify` ok.

use std::collections::BTreeMap;

use ensimbi_events::Amount;
use ensimbi_events::leaf::Hash;
use ensimbi_ledger::verify::verify;
use ensimbi_projections::query::{FeeDimension, FeesQuery};
use ensimbi_projections::{FeesView, PaymentsView, Views, WalletsView};
use jiff::tz::TimeZone;

use super::Act;
use super::checkpoint::Checkpoints;
use super::recompute::{Recomputed, recompute};
use crate::args::DemoArgs;
use crate::exit::Failure;
use crate::house::House;

/// A wallet, as we and the provider see it.
pub struct WalletLine {
    /// Provider word.
    pub provider: String,
    /// Account code and wallet code.
    pub code: String,
    /// Currency.
    pub currency: String,
    /// Ours: posted, held, reserved, available, total.
    pub ours: [Amount; 5],
    /// The provider's own balance.
    pub simulator: Option<Amount>,
}

/// A fee group.
pub struct FeeLine {
    /// Component.
    pub component: String,
    /// Bearer.
    pub bearer: String,
    /// Currency.
    pub currency: String,
    /// How much, scale 4; a cost is positive.
    pub amount: i128,
    /// Number of lines.
    pub lines: u64,
}

/// One agreement, and what broke it.
pub struct Agreement {
    /// Its name in the JSON.
    pub name: &'static str,
    /// What it means, for people.
    pub title: &'static str,
    /// What differs; empty is agreement.
    pub differences: Vec<String>,
}

/// Everything the demo shows.
pub struct Result {
    /// Seed of the run.
    pub seed: u64,
    /// Payments of the run.
    pub payments: u32,
    /// The book.
    pub book: String,
    /// Its size.
    pub position: u64,
    /// Its root.
    pub root: Hash,
    /// Wallets.
    pub wallets: Vec<WalletLine>,
    /// Fees.
    pub fees: Vec<FeeLine>,
    /// Payments by state.
    pub states: BTreeMap<String, u64>,
    /// How often wallets were compared with the simulators' while the run went on.
    pub checkpoints: u64,
    /// The four agreements.
    pub agreements: Vec<Agreement>,
}

impl Result {
    /// Whether all four hold.
    pub fn ok(&self) -> bool {
        self.agreements.iter().all(|agreement| agreement.differences.is_empty())
    }
}

/// Reads both sides and compares.
pub async fn compare(
    args: &DemoArgs,
    house: &House,
    acts: &[Act],
    checkpoints: Checkpoints,
) -> std::result::Result<Result, Failure> {
    let views = Views::new(house.projector.store().clone());
    let wallets = wallet_lines(&views, house, acts).await?;
    let fees = fee_lines(&views, house).await?;
    let states = states(&views, house).await?;
    let report = verify(house.store.as_ref(), house.book, |_| {}).await?;
    let naive = recompute(house.store.as_ref(), house.book).await?;
    let mut by_verify = Vec::new();
    if !report.ok {
        by_verify.push(crate::verify::line(&report));
    }
    let agreements = vec![
        Agreement { name: "trial_balance", title: "trial balance is zero", differences: trial_balance(house).await? },
        Agreement {
            name: "simulators",
            title: "every wallet equals the provider's own books, at every checkpoint and at the end",
            differences: against_simulators(&wallets).into_iter().chain(checkpoints.differences).collect(),
        },
        Agreement {
            name: "recomputation",
            title: "equal to a naive recomputation from the facts",
            differences: against_facts(&views, house, &fees, &states, &naive).await?,
        },
        Agreement { name: "verify", title: "every leaf, line, key and the root verify", differences: by_verify },
    ];
    Ok(Result {
        seed: args.seed,
        payments: args.payments,
        book: house.book.to_string(),
        position: report.size,
        root: report.root,
        wallets,
        fees,
        states,
        checkpoints: checkpoints.count,
        agreements,
    })
}

async fn wallet_lines(views: &Views, house: &House, acts: &[Act]) -> std::result::Result<Vec<WalletLine>, Failure> {
    let mut theirs = BTreeMap::new();
    for act in acts {
        for wallet in act.simulator.wallets().await.map_err(Failure::not_to_be_had)? {
            theirs.insert((act.stage.provider().to_owned(), wallet.provider_id), wallet.balance);
        }
    }
    let configured: BTreeMap<_, _> = acts
        .iter()
        .flat_map(|act| &act.connections)
        .flat_map(|connection| connection.wallets.iter().map(move |wallet| (connection, wallet)))
        .map(|(connection, wallet)| {
            let code = connection.account_code.as_deref().unwrap_or(&connection.slug);
            ((code.to_owned(), wallet.code.clone()), (connection.provider.clone(), wallet.id.clone()))
        })
        .collect();
    let page = views.wallets(house.book, None, ensimbi_projections::query::LIMIT_MAX).await?;
    let line = |row: ensimbi_projections::wallets::WalletRow| {
        let id = configured.get(&(row.account_code.clone(), row.code.clone()));
        WalletLine {
            provider: row.provider.clone(),
            code: format!("{}:{}", row.account_code, row.code),
            currency: row.currency.to_string(),
            ours: [row.posted, row.held, row.reserved, row.available, row.total],
            simulator: id.and_then(|id| theirs.get(id)).copied(),
        }
    };
    Ok(page.items.into_iter().map(line).collect())
}

async fn fee_lines(views: &Views, house: &House) -> std::result::Result<Vec<FeeLine>, Failure> {
    let query = FeesQuery { group_by: vec![FeeDimension::Component], from: None, to: None, zone: TimeZone::UTC };
    let report = views.fees(house.book, &query).await?.value;
    let line = |group: ensimbi_projections::query::FeeGroup| FeeLine {
        component: group.key.into_iter().find_map(|(_, value)| value).unwrap_or_default(),
        bearer: group.bearer,
        currency: group.currency.to_string(),
        amount: group.amount,
        lines: group.lines,
    };
    Ok(report.groups.into_iter().map(line).collect())
}

async fn states(views: &Views, house: &House) -> std::result::Result<BTreeMap<String, u64>, Failure> {
    let mut states = BTreeMap::new();
    for total in views.states(house.book).await?.value {
        *states.entry(total.state.to_string()).or_default() += total.count;
    }
    Ok(states)
}

async fn trial_balance(house: &House) -> std::result::Result<Vec<String>, Failure> {
    let (_, accounts) = house.store.trial_balance(house.book).await?;
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for account in accounts {
        *sums.entry(account.currency.to_string()).or_default() += account.debit - account.credit;
    }
    let off = sums.into_iter().filter(|(_, sum)| *sum != 0);
    Ok(off.map(|(currency, sum)| format!("{currency}: {sum} units of 0.0001 over")).collect())
}

fn against_simulators(wallets: &[WalletLine]) -> Vec<String> {
    let mut differences = Vec::new();
    for wallet in wallets {
        let posted = wallet.ours[0];
        match wallet.simulator {
            Some(balance) if balance == posted => {}
            Some(balance) => differences.push(format!("{}: ours {posted}, provider {balance}", wallet.code)),
            None => differences.push(format!("{}: the provider has no such wallet", wallet.code)),
        }
    }
    if wallets.is_empty() {
        differences.push("no wallet to compare".to_owned());
    }
    differences
}

async fn against_facts(
    views: &Views,
    house: &House,
    fees: &[FeeLine],
    states: &BTreeMap<String, u64>,
    naive: &Recomputed,
) -> std::result::Result<Vec<String>, Failure> {
    let mut differences = Vec::new();
    let page = views.wallets(house.book, None, ensimbi_projections::query::LIMIT_MAX).await?;
    for row in page.items {
        let of = |sums: &BTreeMap<_, i128>| sums.get(&row.wallet).copied().unwrap_or_default();
        if (i128::from(row.posted.scaled()), i128::from(row.held.scaled())) != (of(&naive.posted), of(&naive.held)) {
            differences.push(format!("wallet {}: not what its facts add up to", row.code));
        }
    }
    let shown: BTreeMap<_, _> = fees
        .iter()
        .filter(|fee| fee.amount != 0)
        .map(|fee| ((fee.component.clone(), fee.bearer.clone(), fee.currency.clone()), fee.amount))
        .collect();
    if shown != naive.fees {
        differences.push("fees are not what the facts add up to".to_owned());
    }
    if *states != naive.states {
        differences.push(format!("payments by state {states:?}, by the facts {:?}", naive.states));
    }
    Ok(differences)
}
