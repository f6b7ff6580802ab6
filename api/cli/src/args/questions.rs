//! Arguments of the commands that ask about a book. Words, ids and times are read by the API's own routes, so that both
//! take and refuse the same.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::HomeArgs;

/// Where a result goes, and in which form.
#[derive(Debug, Clone, Args)]
pub struct OutArgs {
    /// One JSON document, with the fields of the API.
    #[arg(long)]
    pub json: bool,
    /// Into a file, which appears under its name only when it is whole.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A part of a long list.
#[derive(Debug, Clone, Args)]
pub struct PageArgs {
    /// At most so many, 1 to 500 (default: 50).
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// Where the list before ended.
    #[arg(long, value_name = "TEXT")]
    pub cursor: Option<String>,
}

/// What a report is about: when it happened, and what was recorded by then.
#[derive(Debug, Clone, Args)]
pub struct AxesArgs {
    /// First moment inside: RFC 3339, or a date.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// First moment no longer inside.
    #[arg(long, value_name = "TIME", conflicts_with = "as_of")]
    pub to: Option<String>,
    /// Last moment or date inside, instead of --to.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Only what was recorded by then.
    #[arg(long, value_name = "TIME")]
    pub known_at: Option<String>,
    /// What dates a line: occurred (a fee: when its payment did) or booked (its book date) (default: occurred).
    #[arg(long, value_name = "WORD")]
    pub basis: Option<String>,
    /// Time zone of dates (default: the book's).
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
}

/// `fees`.
#[derive(Debug, Args)]
pub struct FeesArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub axes: AxesArgs,
    /// Dimensions with commas between them: provider, connection, wallet, channel, component, label, bearer, direction,
    /// currency, day, week, month (default: component).
    #[arg(long, value_name = "A,B")]
    pub group_by: Option<String>,
}

/// `statement`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["account", "wallet"]))]
pub struct StatementArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub axes: AxesArgs,
    #[command(flatten)]
    pub page: PageArgs,
    /// Of an account, by its path.
    pub account: Option<String>,
    /// Which currency, where the account has several.
    #[arg(long, value_name = "CODE", conflicts_with = "wallet")]
    pub currency: Option<String>,
    /// Of a wallet, by its id, or by its code where one wallet has it.
    #[arg(long, value_name = "CODE|ID")]
    pub wallet: Option<String>,
    /// With --wallet: posted or held (default: posted).
    #[arg(long, value_name = "WORD", requires = "wallet")]
    pub part: Option<String>,
}

/// `trial-balance`.
#[derive(Debug, Args)]
pub struct TrialBalanceArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    /// Last book date inside.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// Only what was recorded by then: RFC 3339, or a date.
    #[arg(long, value_name = "TIME")]
    pub known_at: Option<String>,
}

/// `wallets`.
#[derive(Debug, Args)]
pub struct WalletsArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub page: PageArgs,
}

/// `payments`.
#[derive(Debug, Args)]
pub struct PaymentsArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub page: PageArgs,
    /// Only this one, by its id.
    #[arg(conflicts_with_all = ["kind", "state", "wallet", "connection", "invoice", "limit", "cursor"])]
    pub id: Option<String>,
    /// Only payment, refund, payout, withdrawal, top_up or purse_transfer.
    #[arg(long, value_name = "WORD")]
    pub kind: Option<String>,
    /// Only in this state.
    #[arg(long, value_name = "WORD")]
    pub state: Option<String>,
    /// Only of this wallet, by its id, or by its code where one wallet has it.
    #[arg(long, value_name = "CODE|ID")]
    pub wallet: Option<String>,
    /// Only of this connection.
    #[arg(long, value_name = "SLUG|ID")]
    pub connection: Option<String>,
    /// Only those meant for this invoice.
    #[arg(long, value_name = "ID")]
    pub invoice: Option<String>,
}

/// `invoices`.
#[derive(Debug, Args)]
pub struct InvoicesArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub page: PageArgs,
    /// Only this one, by its id, with its items and payments.
    #[arg(conflicts_with_all = ["state", "overdue", "ageing", "limit", "cursor"])]
    pub id: Option<String>,
    /// Only in this state.
    #[arg(long, value_name = "WORD")]
    pub state: Option<String>,
    /// Only what is owed and late.
    #[arg(long)]
    pub overdue: bool,
    /// What is owed, by how late it is.
    #[arg(long, conflicts_with_all = ["state", "overdue", "limit", "cursor"])]
    pub ageing: bool,
    /// With --ageing: whose days count (default: the book's zone).
    #[arg(long, value_name = "ZONE", requires = "ageing")]
    pub tz: Option<String>,
    /// With --ageing: to which day (default: that of the last event), RFC 3339.
    #[arg(long, value_name = "TIME", requires = "ageing")]
    pub as_at: Option<String>,
}

/// `discrepancies`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DiscrepanciesArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub page: PageArgs,
    /// Only this one, by its id.
    #[arg(conflicts_with_all = ["state", "kind", "limit", "cursor"])]
    pub id: Option<String>,
    /// open, resolved or all (default: open).
    #[arg(long, value_name = "WORD")]
    pub state: Option<String>,
    /// Only of this kind.
    #[arg(long, value_name = "WORD")]
    pub kind: Option<String>,
    /// Instead of looking: decide.
    #[command(subcommand)]
    pub command: Option<DiscrepancyCommand>,
}

/// What can be done with a discrepancy.
#[derive(Debug, Subcommand)]
pub enum DiscrepancyCommand {
    /// Records a person's verdict; what follows from it is posted in the same commit.
    Resolve(ResolveArgs),
}

/// `discrepancies resolve`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("verdict").required(true).args(["accept", "reject", "move_to"]))]
pub struct ResolveArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    /// The discrepancy.
    pub id: String,
    /// The withheld event is posted.
    #[arg(long)]
    pub accept: bool,
    /// The withheld event is never posted.
    #[arg(long)]
    pub reject: bool,
    /// What stands in suspense goes to this account.
    #[arg(long, value_name = "ACCOUNT")]
    pub move_to: Option<String>,
    /// Why, in 1 to 500 characters. It stays in the book for ever: no names, phones or account numbers.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who decides: an id, never a name.
    #[arg(long, value_name = "ID", default_value = "cli")]
    pub actor: String,
    /// What makes it the same command when it comes again (default: from the verdict itself).
    #[arg(long, value_name = "TEXT")]
    pub idempotency_key: Option<String>,
    /// Lets live provider accounts into books of format 0, whose bytes are not frozen yet.
    #[arg(long)]
    pub allow_live_format_0: bool,
}

/// `open-items`.
#[derive(Debug, Args)]
pub struct OpenItemsArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    #[command(flatten)]
    pub page: PageArgs,
    /// Only on this account, by its path.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only on accounts of this connection.
    #[arg(long, value_name = "SLUG|ID")]
    pub connection: Option<String>,
    /// Only in this currency.
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    /// The payment: its id, the provider's id of it, or our reference at the provider.
    pub payment: String,
}
