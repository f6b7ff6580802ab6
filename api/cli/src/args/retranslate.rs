//! Arguments of `ensimbi retranslate`.

use clap::Args;

use super::{HomeArgs, OutArgs};

/// `retranslate`.
#[derive(Debug, Args)]
pub struct RetranslateArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    #[command(flatten)]
    pub out: OutArgs,
    /// Only the bytes of this connection.
    #[arg(long, value_name = "SLUG|ID")]
    pub connection: Option<String>,
    /// Shows what differs, field by field, and the lines of each correction.
    #[arg(long)]
    pub diff: bool,
    /// Records a correction for each amount that is read differently. Nothing that is recorded is changed.
    #[arg(long)]
    pub record: bool,
    /// Lets live provider accounts into books of format 0, whose bytes are not frozen yet.
    #[arg(long)]
    pub allow_live_format_0: bool,
}
