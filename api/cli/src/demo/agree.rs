//! The four agreements: trial balance zero; wallets equal to the simulators' own books; equal to a naive recomputation;
//! `verify` ok.

use std::collections::BTreeMap;

use ensimbi_connectors::simulator::{SimulatedFee, SimulatedWallet};
use ensimbi_events::Amount;
use ensimbi_events::leaf::Hash;
use ensimbi_events::money::scaled_text;
use ensimbi_ledger::verify::verify;
use ensimbi_projections::query::{FeeDimension, FeesQuery, LIMIT_MAX};
use ensimbi_projections::{FeesView, PaymentsView, Views, WalletsView};

use super::Act;
use super::driver::{Driven, Orders};
use super::facts::scaled;
use super::invoices;
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
    /// Everything else that the provider shows of it.
    pub theirs: Option<SimulatedWallet>,
    /// All fees that we bore out of it.
    pub fees: Amount,
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
    /// Orders of the run that were asked for on the command line.
    pub payments: u32,
    /// What became of them.
    pub orders: Orders,
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
    /// Invoices by whose they are and how they stand; those paid elsewhere as `paid_offline`.
    pub invoices: BTreeMap<(String, String), u64>,
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
    driven: Driven,
) -> std::result::Result<Result, Failure> {
    let Driven { orders, checkpoints } = driven;
    let views = Views::new(house.projector.store().clone());
    let wallets = wallet_lines(&views, house, acts).await?;
    let fees = fee_lines(&views, house).await?;
    let states = states(&views, house).await?;
    let invoices = invoices::stand(&views, house, acts).await?;
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
            title: "every wallet, fee and invoice equals the provider's own books; wallets at every checkpoint too",
            differences: against_simulators(&wallets)
                .into_iter()
                .chain(checkpoints.differences)
                .chain(fees_differ(&views, house, acts).await?)
                .chain(invoices.differences)
                .collect(),
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
        orders,
        book: house.book.to_string(),
        position: report.size,
        root: report.root,
        wallets,
        fees,
        states,
        invoices: invoices.counts,
        checkpoints: checkpoints.count,
        agreements,
    })
}

async fn wallet_lines(views: &Views, house: &House, acts: &[Act]) -> std::result::Result<Vec<WalletLine>, Failure> {
    let mut theirs = BTreeMap::new();
    for act in acts {
        for wallet in act.simulator.wallets().await.map_err(Failure::not_to_be_had)? {
            theirs.extend(act.code_of(&wallet).map(|code| (code, wallet)));
        }
    }
    let query = FeesQuery::all(vec![FeeDimension::Wallet]);
    let mut fees: BTreeMap<String, i128> = BTreeMap::new();
    for group in views.fees(house.book, &query).await?.value.groups {
        if let (true, Some((_, Some(wallet)))) = (group.bearer == "merchant", group.key.into_iter().next()) {
            *fees.entry(wallet).or_default() += group.amount;
        }
    }
    let page = views.wallets(house.book, None, LIMIT_MAX).await?;
    let line = |row: ensimbi_projections::wallets::WalletRow| {
        let theirs = theirs.get(&(row.account_code.clone(), row.code.clone())).cloned();
        let fees = fees.get(&row.wallet.to_string()).copied().unwrap_or_default();
        WalletLine {
            provider: row.provider.clone(),
            code: format!("{}:{}", row.account_code, row.code),
            currency: row.currency.to_string(),
            ours: [row.posted, row.held, row.reserved, row.available, row.total],
            simulator: theirs.as_ref().map(|theirs| theirs.balance),
            theirs,
            fees: Amount::from_scaled(i64::try_from(fees).unwrap_or(i64::MAX)),
        }
    };
    Ok(page.items.into_iter().map(line).collect())
}

async fn fee_lines(views: &Views, house: &House) -> std::result::Result<Vec<FeeLine>, Failure> {
    let query = FeesQuery::all(vec![FeeDimension::Component]);
    let report = views.fees(house.book, &query).await?.value;
    // Whatever way the money of their payments went.
    let mut sums: BTreeMap<(String, String, String), (i128, u64)> = BTreeMap::new();
    for group in report.groups {
        let component = group.key.into_iter().find_map(|(_, value)| value).unwrap_or_default();
        let sum = sums.entry((component, group.bearer, group.currency.to_string())).or_default();
        *sum = (sum.0 + group.amount, sum.1 + group.lines);
    }
    let line =
        |((component, bearer, currency), (amount, lines))| FeeLine { component, bearer, currency, amount, lines };
    Ok(sums.into_iter().map(line).collect())
}

/// Fees by component, bearer and currency against those of each provider that keeps them so.
async fn fees_differ(views: &Views, house: &House, acts: &[Act]) -> std::result::Result<Vec<String>, Failure> {
    let query = FeesQuery::all(vec![FeeDimension::Provider, FeeDimension::Component]);
    let mut ours: BTreeMap<[String; 4], i128> = BTreeMap::new();
    for group in views.fees(house.book, &query).await?.value.groups {
        let mut key = group.key.into_iter().map(|(_, value)| value.unwrap_or_default());
        let (provider, component) = (key.next().unwrap_or_default(), key.next().unwrap_or_default());
        *ours.entry([provider, component, group.bearer, group.currency.to_string()]).or_default() += group.amount;
    }
    let mut differences = Vec::new();
    for act in acts {
        let Some(theirs) = act.simulator.fees().await.map_err(Failure::not_to_be_had)? else { continue };
        let provider = act.stage.provider();
        let key = |fee: &SimulatedFee| [provider, fee.component, fee.bearer, fee.currency.as_str()].map(str::to_owned);
        let mut sums: BTreeMap<[String; 4], i128> =
            ours.keys().filter(|key| key[0] == provider).map(|key| (key.clone(), 0)).collect();
        for fee in &theirs {
            *sums.entry(key(fee)).or_default() += scaled(fee.amount);
        }
        for (key, sum) in sums {
            let own = ours.get(&key).copied().unwrap_or_default();
            if own != sum {
                let (name, own, sum) = (key.join(" "), scaled_text(own), scaled_text(sum));
                differences.push(format!("fees {name}: ours {own}, provider {sum}"));
            }
        }
    }
    Ok(differences)
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
        let Some(theirs) = &wallet.theirs else { continue };
        // With balance, held and fees every other figure of a balance answer is equal too: gross, total, available.
        let figures = [
            ("held", wallet.ours[1], Some(theirs.held)),
            ("fees", wallet.fees, theirs.fees),
            ("on its way out", wallet.ours[2], theirs.pending),
        ];
        for (name, ours, figure) in figures {
            if let Some(figure) = figure.filter(|figure| *figure != ours) {
                differences.push(format!("{}: {name}: ours {ours}, provider {figure}", wallet.code));
            }
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
    let page = views.wallets(house.book, None, LIMIT_MAX).await?;
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
