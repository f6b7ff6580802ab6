//! The table of section 8, read from `table.md` as it stands, and the claims that each step stands for.

use ensimbi_events::codes::DiscrepancyKind;

mod steps;

pub use steps::claims;

/// The page's own table.
const PAGE: &str = include_str!("table.md");

/// One row.
pub struct Step {
    /// Number and letter.
    pub name: String,
    /// Currency of the whole number.
    pub currency: String,
    lines: String,
    after: String,
}

impl Step {
    /// The number without its letter.
    pub fn number(&self) -> u32 {
        self.name.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().unwrap()
    }

    /// `Acct±n` and `res±n`, in the table's order.
    pub fn line_tokens(&self) -> Vec<String> {
        self.lines.split_whitespace().map(str::to_owned).collect()
    }

    /// `name=balance`, split.
    pub fn after_tokens(&self) -> Vec<(String, String)> {
        let split = |token: &str| token.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.after.split_whitespace().map(|token| split(token).unwrap_or_else(|| panic!("{token}"))).collect()
    }

    /// What is raised beside the lines; the page says so in words.
    pub fn discrepancies(&self) -> &'static [DiscrepancyKind] {
        match self.name.as_str() {
            "6b" => &[DiscrepancyKind::FeeOnFailed],
            "8b" => &[DiscrepancyKind::LateSuccess],
            "14a" => &[DiscrepancyKind::SumsDiffer],
            "22a" => &[DiscrepancyKind::UnexplainedMovement],
            "23a" => &[DiscrepancyKind::AmountDiffers],
            _ => &[],
        }
    }
}

/// All rows, in the page's order: `| step and currency | event | lines | after |`. A number's steps share the currency
/// that its first one names.
pub fn table() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for row in PAGE.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [step, event, lines, after] = cells[..] else { panic!("not four columns: {row}") };
        if !step.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        assert!(!event.is_empty(), "{row}");
        let (name, currency) = match step.split_once(' ') {
            Some((name, currency)) => (name, currency.to_owned()),
            None => (step, steps.last().unwrap_or_else(|| panic!("{row}")).currency.clone()),
        };
        steps.push(Step { name: name.to_owned(), currency, lines: lines.to_owned(), after: after.to_owned() });
    }
    steps
}
