//! `ensimbi init`: a data folder with a commented configuration and a master key. Nothing is ever overwritten.
//!
//! Every line of the file that begins with `#` and a letter or bracket right behind it is an example that can be taken
//! as it stands; all else is explanation. Connections are explained by the providers' own folders.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use ensimbi_connectors::{outside, providers};
use ensimbi_vault::{MasterKey, SystemEntropy};

use crate::args::InitArgs;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::output;

const BOOK: &str = include_str!("init.toml");

/// The command.
pub fn run(args: &InitArgs) -> Outcome {
    let home = Home::to_write(&args.home, ".ensimbi")?;
    let file = home.config_file();
    if file.try_exists()? {
        let name = file.display();
        return Err(Failure::wrong(format!(
            "{name} is there already and stays as it is; name another folder with --data"
        )));
    }
    let own = home.folder.join("master.key");
    let key = match (&args.home.master_key_file, own.try_exists()?) {
        (Some(named), _) => format!("the master key is read from {}", named.display()),
        (None, true) => {
            MasterKey::read_own_file(&own).map_err(Failure::wrong)?;
            format!("{} was there already and is kept", own.display())
        }
        (None, false) => {
            MasterKey::create_file(&own, &SystemEntropy).map_err(Failure::wrong)?;
            format!("wrote {}: keep a copy elsewhere, without it nothing that is sealed can be read", own.display())
        }
    };
    write(&file, &text())?;
    let data = home.folder.display();
    let next =
        format!("next: edit {}, then `ensimbi doctor --data {data}` and `ensimbi serve --data {data}`", file.display());
    output::deliver(None, &format!("wrote {}\n{key}\n{next}", file.display()))?;
    Ok(Code::Done)
}

/// What is written.
fn text() -> String {
    let mut text = BOOK.to_owned();
    for connector in providers::all() {
        text.push('\n');
        text.push_str(connector.example());
    }
    text.push('\n');
    text.push_str(outside::EXAMPLE);
    text
}

/// A new file that only its owner reads: it will hold secrets.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use ensimbi_connectors::door::check_connections;
    use ensimbi_events::Clock;

    use super::*;
    use crate::clock::SystemClock;
    use crate::settings::Settings;

    /// With every example taken.
    fn uncommented() -> String {
        let is_example = |rest: &&str| !rest.is_empty() && !rest.starts_with([' ', '#']);
        let line = |line: &'static str| line.strip_prefix('#').filter(is_example).unwrap_or(line);
        text().leak().lines().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_file_is_valid_as_it_stands_and_with_every_example_taken() {
        let plain: Settings = toml::from_str(&text()).unwrap();
        plain.check().unwrap();
        assert!(plain.connections.is_empty());
        let whole: Settings =
            toml::from_str(&uncommented()).unwrap_or_else(|error| panic!("{error}\n{}", uncommented()));
        whole.check().unwrap();
        assert_eq!(whole.connections.len(), providers::all().len() + 1, "each provider's, and one from outside");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        check_connections(&whole.connections, whole.book.mode, providers::all(), &clock, false).unwrap();
    }
}
