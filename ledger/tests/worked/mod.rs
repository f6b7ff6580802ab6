//! The table of section 8, its columns verbatim, and the claims that each step stands for.

use ensimbi_events::codes::DiscrepancyKind;

mod steps;

pub use steps::claims;

/// One row.
pub struct Step {
    /// Number and letter.
    pub name: &'static str,
    /// Currency of the whole number.
    pub currency: &'static str,
    lines: &'static str,
    after: &'static str,
    /// What is raised beside the lines.
    pub discrepancies: &'static [DiscrepancyKind],
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
        self.after.split_whitespace().map(|token| split(token).unwrap()).collect()
    }
}

const fn row(
    name: &'static str,
    currency: &'static str,
    lines: &'static str,
    after: &'static str,
    discrepancies: &'static [DiscrepancyKind],
) -> Step {
    Step { name, currency, lines, after, discrepancies }
}

/// Step, currency, `Lines`, `After`.
#[rustfmt::skip]
pub const TABLE: &[Step] = &[
    row("1a", "ITX",
        "W+675.5 F.provider+14 F.network+10.5 C-700",
        "W=675.5 F=24.5 C=-700", &[]),
    row("1b", "ITX",
        "C+700 I-700",
        "C=0 I=-700", &[]),
    row("2a", "UGX",
        "W+10000 C-10000 M.provider+200 M.network+150 Mc-350",
        "W=10000 F=0 M=350 Mc=-350 C=-10000", &[]),
    row("3a", "UGX",
        "W+174000 H+20000 F.unitemised+6000 C-200000",
        "W=174000 H=20000 avail=174000 total=194000", &[]),
    row("3b", "UGX",
        "W+20000 H-20000",
        "W=194000 H=0 total=194000", &[]),
    row("4a", "UGX",
        "W+100000 E-100000 res+11200",
        "W=100000 avail=88800", &[]),
    row("4b", "UGX",
        "P+10000 F.provider+600 W-10600 res-11200",
        "W=89400 avail=89400 P=10000", &[]),
    row("4c", "UGX",
        "N+10000 P-10000",
        "P=0 N=10000", &[]),
    row("4d", "UGX",
        "W+10600 F.provider-600 P-10000 P+10000 N-10000",
        "W=100000 F=0 P=0 N=0", &[]),
    row("5a", "UGX",
        "W+100000 E-100000 res+11200 P+10000 F.provider+600 W-10600 res-11200 W+10000 P-10000",
        "W=99400 F=600 P=0", &[]),
    row("6a", "UGX",
        "W+100000 E-100000 res+11200 res-11200",
        "W=100000 F=0 avail=100000", &[]),
    row("6b", "UGX",
        "F.provider+100 W-100",
        "W=99900 F=100", &[DiscrepancyKind::FeeOnFailed]),
    row("7a", "UGX",
        "W+50000 E-50000 P+10000 W-10000 M.provider+600 Mc-600",
        "W=40000 F=0 P=10000 M=600", &[]),
    row("7b", "UGX",
        "P+9400 F.provider+600 W-10000",
        "W=30000 F=600 P=19400", &[]),
    row("8a", "UGX",
        "W+11000 E-11000 res+10600 res-10600 res+10600 P+10000 F.provider+600 W-10600 res-10600",
        "W=400 avail=400", &[]),
    row("8b", "UGX",
        "P+10000 F.provider+600 W-10600",
        "W=-10200 avail=-10200 P=20000", &[DiscrepancyKind::LateSuccess]),
    row("9a", "ITX",
        "R+700 I-700 W+675.5 F.provider+14 F.network+10.5 C-700 C+700 R-700",
        "W=675.5 C=0 R=0 I=-700", &[]),
    row("9b", "ITX",
        "C+700 F.provider-14 F.network-10.5 W-675.5 C-700 R+700",
        "W=0 F=0 C=0 R=700", &[]),
    row("10a", "UGX",
        "W+9700 F.unitemised+300 C-10000 C+10000 I-10000 res+4100",
        "W=9700 C=0 avail=5600", &[]),
    row("10b", "UGX",
        "C+4000 F.unitemised+50 W-4050 res-4100 C-4000 IR+4000",
        "W=5650 F=350 C=0 IR=4000 avail=5650", &[]),
    row("10c", "UGX",
        "W+4000 C-4000 C+4000 IR-4000",
        "W=9650 F=350 C=0 IR=0", &[]),
    row("11a", "UGX",
        "W+9700 F.unitemised+300 C-10000 C+10000 I-10000 D+10000 F.provider+500 W-10500",
        "W=-800 D=10000 F=800", &[]),
    row("11b", "UGX",
        "D-10000 C+4000 W+6000 C-4000 X+4000",
        "W=5200 D=0 C=0 X=4000", &[]),
    row("12a", "USD",
        "W+100 C-100 M.unitemised+5 Mc-5 M.provider+3 M.network+2 M.unitemised-5",
        "W=100 F=0 M=5 Mc=-5", &[]),
    row("13a", "USD",
        "R+100 I-100 W+97.5 F.unitemised+2.5 C-100 C+100 R-100",
        "W=97.5 F=2.5 C=0 R=0", &[]),
    row("13b", "USD",
        "F.provider+1.5 F.fx+0.5 F.unitemised-2.5 V+0.5 F.network@LRD+97.5 V@LRD-97.5",
        "F=2 V=0.5 F@LRD=97.5 V@LRD=-97.5 W=97.5", &[]),
    row("14a", "USD",
        "W+97.5 F.unitemised+2.5 C-100",
        "F=2.5 W=97.5", &[DiscrepancyKind::SumsDiffer]),
    row("15a", "UGX",
        "R+118000 I-100000 T-18000",
        "R=118000 T=-18000", &[]),
    row("15b", "UGX",
        "W+48500 F.unitemised+1500 C-50000 C+50000 R-50000",
        "R=68000 C=0", &[]),
    row("15c", "UGX",
        "W+77600 F.unitemised+2400 C-80000 C+68000 R-68000",
        "R=0 C=-12000 W=126100", &[]),
    row("15d", "UGX",
        "C+12000 W-12000",
        "C=0 W=114100 IR=0", &[]),
    row("16a", "UGX",
        "R+100000 I-100000 W+29100 F.unitemised+900 C-30000 C+30000 R-30000 I+70000 R-70000",
        "R=0 I=-30000 C=0", &[]),
    row("17a", "UGX",
        "W+5723 F.unitemised+177 C-5900 C+5900 I-5000 T-900",
        "R=0 I=-5000 T=-900 C=0", &[]),
    row("18a", "UGX",
        "W+250000 H+10000 E-260000",
        "W=250000 C=0", &[]),
    row("18b", "UGX",
        "W+100000 B-100000 B+100000 K-100000",
        "W=350000 B=0 K=-100000", &[]),
    row("18c", "UGX",
        "res+202000 B+200000 F.provider+2000 W-202000 res-202000",
        "W=148000 B=200000 avail=148000", &[]),
    row("18d", "UGX",
        "B-200000 K+200000",
        "B=0 K=100000", &[]),
    row("19a", "UGX",
        "W+300000 E-300000 W2+50000 W-50000",
        "W=250000 W2=50000", &[]),
    row("20a", "USD",
        "W+500 E-500 V+100 W-100 W2@LRD+19300 V@LRD-19300",
        "W=400 V=100 W2@LRD=19300", &[]),
    row("21a", "UGX",
        "W+50000 E-50000 F.provider+10000 F.tax+1800 W-11800 TI+1800 TR-1800",
        "W=38200 F=11800 TI=1800", &[]),
    row("22a", "UGX",
        "W+5000 S-5000 S+5000 L-5000",
        "W=5000 S=0 L=-5000", &[DiscrepancyKind::UnexplainedMovement]),
    row("23a", "UGX",
        "",
        "W=0 C=0", &[DiscrepancyKind::AmountDiffers]),
    row("23b", "UGX",
        "W+8730 F.unitemised+270 C-9000",
        "W=8730 C=-9000", &[]),
    row("24a", "UGX",
        "R+1000000 I-1000000 W+940000 C-940000 C+940000 R-940000 TI+60000 R-60000",
        "R=0 C=0 W=940000 TI=60000", &[]),
    row("25a", "UGX",
        "R+40000 I-40000 O+40000 R-40000 K+40000 O-40000",
        "R=0 O=0 K=40000 W=0", &[]),
];
