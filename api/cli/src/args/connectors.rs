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
        #[arg(required_unless_present = "outside")]
        name: Option<String>,
        /// Its folder (default: connectors/src/providers/NAME, here or above).
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Instead of a connector of the source: a program outside, with its arguments, over the folder of its fixtures.
        #[arg(long, value_name = "COMMAND", conflicts_with = "name", requires = "folder")]
        outside: Option<String>,
    },
    /// Writes the folder of a new connector, which compiles as it stands; `check` then says what it lacks.
    New(NewArgs),
    /// Prints what a connector reads in a fixture's body, as its claims.json is written.
    Read(ReadArgs),
}

/// `connectors new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its word: lower-case letters, digits and underscores.
    pub name: String,
    /// Its folder, which must not exist yet and ends in NAME (default: connectors/src/providers/NAME, here or above).
    #[arg(long, value_name = "DIR", conflicts_with = "register")]
    pub folder: Option<PathBuf>,
    /// Adds its lines to the registry and to the list of tested connectors.
    #[arg(long)]
    pub register: bool,
}

/// `connectors read`.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// The connector, by its word.
    pub name: String,
    /// The bytes: a file in the folder of their kind, such as fixtures/status/paid.body.
    #[arg(value_name = "FILE")]
    pub body: PathBuf,
    /// Read as for a test book, not a live one.
    #[arg(long)]
    pub test: bool,
    /// An option of the connection. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    /// Writes it beside the body, unless there is something. It is what the connector does today: look whether it is right.
    #[arg(long)]
    pub write: bool,
}
