//! What accounts are called elsewhere. The policies `export.name.<account path or a beginning of one>` give a
//! replacement; the longest beginning wins, whole parts at a time. Two accounts never become one.

use std::collections::BTreeMap;

use ensimbi_events::config::BookConfig;

use super::ExportError;

/// The policies' common beginning.
const PREFIX: &str = "export.name.";
/// What beancount's accounts begin with.
const ROOTS: [&str; 5] = ["Assets", "Liabilities", "Equity", "Income", "Expenses"];
/// Characters of a name beside letters, digits and single blanks.
const PLAIN: &str = "-_.&/'+";

/// How a form spells accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they are.
    Plain,
    /// Each part with capitals: `Assets:Wallet:Iotec-Main:Main`.
    Capitals,
}

/// The names of a book's accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// For these accounts, under the policies at one position.
    ///
    /// # Errors
    /// [`ExportError::Settings`], naming the policy or the two accounts.
    pub fn of<'a>(
        config: &BookConfig,
        accounts: impl IntoIterator<Item = &'a str>,
        spelling: Spelling,
    ) -> Result<Self, ExportError> {
        let mut rules: Vec<(&str, &str)> = Vec::new();
        for key in config.policies.keys() {
            if let Some((path, name)) = key.strip_prefix(PREFIX).zip(config.policy(key)) {
                check(key, name)?;
                rules.push((path, name));
            }
        }
        let (mut names, mut taken) = (BTreeMap::new(), BTreeMap::new());
        for account in accounts {
            let rule = rules.iter().filter_map(|(path, name)| Some((*path, *name, rest(account, path)?)));
            let name = match rule.max_by_key(|(path, ..)| path.len()) {
                Some((_, name, rest)) => [name, rest].concat(),
                None => account.to_owned(),
            };
            let name = match spelling {
                Spelling::Plain => name,
                Spelling::Capitals => capitals(account, &name)?,
            };
            if let Some(other) = taken.insert(name.clone(), account) {
                return Err(ExportError::Settings(format!(
                    "the accounts {other} and {account} would both be called {name}: change one of the policies \
                     {PREFIX}..."
                )));
            }
            names.insert(account.to_owned(), name);
        }
        Ok(Self(names))
    }

    /// The name of an account.
    ///
    /// # Errors
    /// [`ExportError::Book`] for an account that the book's balances did not have.
    pub fn get(&self, account: &str) -> Result<&str, ExportError> {
        let unknown = || ExportError::damaged(format!("the account {account} has lines and no balance"));
        self.0.get(account).map(String::as_str).ok_or_else(unknown)
    }

    /// All of them, in the order of the book's own names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(account, name)| (account.as_str(), name.as_str()))
    }
}

/// What is left of an account behind its beginning, with its colon; `None` where it does not begin so.
fn rest<'a>(account: &'a str, path: &str) -> Option<&'a str> {
    account.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// A name that every form can show: parts of letters, digits, single blanks and a few signs.
fn check(key: &str, name: &str) -> Result<(), ExportError> {
    let part = |part: &str| {
        part.starts_with(char::is_alphanumeric)
            && !part.ends_with(' ')
            && !part.contains("  ")
            && part.chars().all(|c| c.is_alphanumeric() || c == ' ' || PLAIN.contains(c))
    };
    if name.split(':').all(part) {
        return Ok(());
    }
    Err(ExportError::Settings(format!(
        "the policy {key} is no account name: expected parts joined by colons, each of letters, digits, single blanks or \
         {PLAIN}, beginning with a letter or digit"
    )))
}

fn capitals(account: &str, name: &str) -> Result<String, ExportError> {
    let mut out = String::with_capacity(name.len());
    let mut first = true;
    for c in name.chars() {
        match c {
            ':' => out.push(':'),
            c if !c.is_alphanumeric() => out.push('-'),
            c if first => out.extend(c.to_uppercase()),
            c => out.push(c),
        }
        first = !c.is_alphanumeric();
    }
    let root = out.split(':').next().unwrap_or_default();
    if ROOTS.contains(&root) && out.contains(':') {
        return Ok(out);
    }
    Err(ExportError::Settings(format!(
        "beancount has no account {name} (of {account}): let the policies {PREFIX}... give it a name of two parts or more \
         that begins with one of {}",
        ROOTS.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use ensimbi_events::config::BookConfig;

    use super::{ExportError, Names, Spelling};

    fn names(policies: &[(&str, &str)], accounts: &[&str], spelling: Spelling) -> Result<Vec<String>, String> {
        let policies = policies.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let config = BookConfig { policies, ..BookConfig::default() };
        match Names::of(&config, accounts.iter().copied(), spelling) {
            Ok(names) => Ok(accounts.iter().map(|account| names.get(account).unwrap().to_owned()).collect()),
            Err(ExportError::Settings(text)) => Err(text),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_longest_beginning_wins_by_whole_parts() {
        let policies = [
            ("export.name.assets:wallet", "Assets:Mobile Money"),
            ("export.name.assets:wallet:main", "Assets:MTN"),
            ("export.name.income:sales", "none"),
            ("allocate.collection", "income:sales"),
        ];
        let accounts = ["assets:wallet:main:w1", "assets:wallet:mainly:w1", "assets:wallets:x", "income:sales"];
        let shown = names(&policies, &accounts, Spelling::Plain).unwrap();
        assert_eq!(shown, ["Assets:MTN:w1", "Assets:Mobile Money:mainly:w1", "assets:wallets:x", "income:sales"]);
    }

    #[test]
    fn beancount_gets_capitals() {
        let accounts = ["assets:wallet:iotec-main:main", "equity:memo:contra", "assets:wallet:c:2nd"];
        let shown = names(&[], &accounts, Spelling::Capitals).unwrap();
        assert_eq!(shown, ["Assets:Wallet:Iotec-Main:Main", "Equity:Memo:Contra", "Assets:Wallet:C:2nd"]);
        let renamed = [("export.name.assets:wallet", "assets:mobile money & more")];
        let shown = names(&renamed, &["assets:wallet:c:w"], Spelling::Capitals).unwrap();
        assert_eq!(shown, ["Assets:Mobile-Money---More:C:W"]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_name() {
        let both = [("export.name.income:a", "income:x"), ("export.name.income:b", "income:x")];
        let error = names(&both, &["income:a", "income:b"], Spelling::Plain).unwrap_err();
        assert!(error.contains("income:a") && error.contains("income:b"), "{error}");
        for bad in ["", "a::b", "a;b", "a  b", " a", "a ", "a\nb", "(a)", "\"a\"", "*"] {
            let error = names(&[("export.name.income", bad)], &["income:a"], Spelling::Plain).unwrap_err();
            assert!(error.contains("export.name.income"), "{bad}: {error}");
        }
        let error = names(&[("export.name.income", "Revenue")], &["income:a"], Spelling::Capitals).unwrap_err();
        assert!(error.contains("income:a") && error.contains("Assets"), "{error}");
    }
}
