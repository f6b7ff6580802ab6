//! `ensimbi connectors read`: what a connector reads in a body, in the form of a fixture's claims.

use std::io::Write;

use ensimbi_connectors::conformance::fixtures::{FILE_BYTES_MAX, RECEIVED_AT, claims};
use ensimbi_connectors::connector::{Input, Options};
use ensimbi_events::word::Mode;
use serde_json::json;

use super::known;
use crate::args::ReadArgs;
use crate::exit::{Code, Failure, Outcome};

/// The command.
pub fn run(args: &ReadArgs) -> Outcome {
    let connector = known(&args.name)?;
    let file = args.body.display();
    let name = args.body.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".body"));
    let kind = args.body.parent().and_then(|folder| folder.file_name()).and_then(|name| name.to_str());
    let (Some(name), Some(kind)) = (name, kind) else {
        return Err(Failure::wrong(format!("{file}: expected fixtures/<kind>/<case>.body")));
    };
    let length = std::fs::metadata(&args.body).map_err(|error| Failure::wrong(format!("{file}: {error}")))?.len();
    if length > FILE_BYTES_MAX {
        return Err(Failure::wrong(format!("{file}: expected at most {FILE_BYTES_MAX} bytes")));
    }
    let options = options(&args.option)?;
    let body = std::fs::read(&args.body)?;
    let mode = if args.test { Mode::Test } else { Mode::Live };
    let input = Input { kind, body: &body, options: &options, received_at: RECEIVED_AT, mode };
    let mut said = claims(&connector.translate(input));
    if !options.is_empty() {
        said["options"] = json!(options);
    }
    if args.test {
        said["mode"] = json!(mode);
    }
    let text = format!("{said:#}\n");
    if args.write {
        let beside = args.body.with_file_name(format!("{name}.claims.json"));
        let made = std::fs::File::options().write(true).create_new(true).open(&beside);
        let taken = |error| Failure::wrong(format!("{}: {error}", beside.display()));
        made.map_err(taken)?.write_all(text.as_bytes())?;
    } else {
        std::io::stdout().lock().write_all(text.as_bytes())?;
    }
    Ok(Code::Done)
}

fn options(pairs: &[String]) -> Result<Options, Failure> {
    let wrong = || Failure::wrong("--option: expected NAME=VALUE");
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        Ok((name.to_owned(), value.to_owned()))
    };
    pairs.iter().map(pair).collect()
}
