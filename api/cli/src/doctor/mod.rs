//! `ensimbi doctor`: everything that can be looked at without changing anything, a line each: ok, warn or bad, and what to
//! do. Runs beside a working house.
//!
//! Order: folder, configuration, connections, lock, master key -> databases as files or servers -> bus -> what is in
//! them: book, clock, views, the door's alarms -> providers, where asked for. What a check needs and did not get is not
//! looked at, and the line that is bad says why.

mod accounts;
mod database;
mod rooms;
mod setup;

use serde_json::json;

use crate::args::DoctorArgs;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::output;

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warn,
    /// With the code that the program ends with.
    Bad(Code),
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad(_) => "bad",
        }
    }
}

/// One line of the report. Holds no secret, no party and no URL.
#[derive(Debug)]
struct Finding {
    name: String,
    state: State,
    detail: String,
    advice: Option<String>,
}

/// Everything found so far.
#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.add(name, State::Ok, detail, None);
    }

    fn warn(&mut self, name: impl Into<String>, detail: impl Into<String>, advice: &str) {
        self.add(name, State::Warn, detail, Some(advice.to_owned()));
    }

    fn bad(&mut self, name: impl Into<String>, code: Code, detail: impl Into<String>, advice: &str) {
        self.add(name, State::Bad(code), detail, Some(advice.to_owned()));
    }

    fn failed(&mut self, name: impl Into<String>, failure: &Failure, advice: &str) {
        self.bad(name, failure.code, format!("{:#}", failure.error), advice);
    }

    fn add(&mut self, name: impl Into<String>, state: State, detail: impl Into<String>, advice: Option<String>) {
        // One line each, whatever a library says.
        let detail = detail.into().split_whitespace().collect::<Vec<_>>().join(" ");
        self.0.push(Finding { name: name.into(), state, detail, advice });
    }

    /// Wrong configuration before what cannot be had, before what is wrong inside.
    fn code(&self) -> Code {
        let bad: Vec<Code> = self
            .0
            .iter()
            .filter_map(|finding| match finding.state {
                State::Bad(code) => Some(code),
                _ => None,
            })
            .collect();
        [Code::Wrong, Code::NotToBeHad].into_iter().find(|code| bad.contains(code)).unwrap_or(if bad.is_empty() {
            Code::Done
        } else {
            Code::Disagrees
        })
    }
}

/// The command.
pub async fn run(args: DoctorArgs) -> Outcome {
    let home = Home::to_read(&args.home, ".ensimbi");
    let mut report = Report::default();
    let settings = setup::look(&home, &args, &mut report);
    let vault = setup::master_key(&home, &mut report);
    let there = if home.is_embedded() {
        database::files(&home.folder, &mut report).await
    } else {
        database::server(args.home.database_url.as_deref().unwrap_or_default(), &mut report).await
    };
    rooms::bus(&home, &mut report).await;
    if there {
        rooms::look(&home, &args, settings.as_ref(), vault, &mut report).await;
    }
    match settings.as_ref().filter(|_| args.online) {
        Some(settings) => accounts::ask(&settings.connections, &mut report).await,
        None => report.ok("credentials", "not tried; --online asks every provider for something that moves no money"),
    }
    let code = report.code();
    let text = if args.out.json { document(&report) } else { lines(&report) };
    output::deliver(args.out.output.as_deref(), &text)?;
    Ok(code)
}

fn document(report: &Report) -> String {
    let check = |finding: &Finding| {
        json!({
            "name": finding.name,
            "state": finding.state.as_str(),
            "detail": finding.detail,
            "advice": finding.advice,
        })
    };
    let checks: Vec<_> = report.0.iter().map(check).collect();
    json!({ "ok": report.code() == Code::Done, "checks": checks }).to_string()
}

fn lines(report: &Report) -> String {
    let line = |finding: &Finding| {
        let advice = finding.advice.as_ref().map(|advice| format!(" -> {advice}")).unwrap_or_default();
        format!("{:<4} {}: {}{advice}", finding.state.as_str(), finding.name, finding.detail)
    };
    report.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_worst_and_warnings_are_fine() {
        let mut report = Report::default();
        report.ok("a", "fine");
        report.warn("b", "odd", "look");
        assert_eq!(report.code(), Code::Done);
        report.bad("c", Code::Disagrees, "wrong\ninside", "look");
        assert_eq!(report.code(), Code::Disagrees);
        report.bad("d", Code::NotToBeHad, "away", "start it");
        assert_eq!(report.code(), Code::NotToBeHad);
        report.bad("e", Code::Wrong, "misspelt", "write it right");
        assert_eq!(report.code(), Code::Wrong);
        assert!(lines(&report).contains("bad  c: wrong inside -> look"), "{}", lines(&report));
    }
}
