//! Arguments of `ensimbi connectors`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutArgs;

/// `connectors`.
#[derive(Debug, Args)]
pub struct ConnectorsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConnectorsCommand,
}

/// What can be done with connectors.
#[derive(Debug, Subcommand)]
pub enum ConnectorsCommand {
    /// Lists what each connector offers.
    List {
        #[command(flatten)]
        out: OutArgs,
    },
    /// Runs the conformance suite over a connector in the source; what fails is what is still to be written.
    Check {
        #[command(flatten)]
        out: OutArgs,
        /// The connector, by its word.
        name: String,
        /// Its folder (default: connectors/src/providers/NAME, here or above).
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}
