//! The configuration of a house that talks to simulated providers.

use ensimbi_connectors::settings::ConnectionSettings;
use secrecy::ExposeSecret;

/// `ensimbi.toml` with these connections.
///
/// # Panics
/// Where something of them cannot be written as TOML.
pub fn toml_of(connections: &[ConnectionSettings]) -> String {
    let mut file = toml::Table::new();
    let mut list = Vec::new();
    for connection in connections {
        let mut table = toml::Table::new();
        let mut put = |key: &str, value: toml::Value| table.insert(key.to_owned(), value);
        put("slug", connection.slug.clone().into());
        put("provider", connection.provider.clone().into());
        put("account", connection.account.clone().into());
        put("simulated", connection.simulated.into());
        put("timeout_ms", i64::try_from(connection.timeout_ms).expect("what a test configures can be written").into());
        let pairs = |pairs: Vec<(&String, &str)>| {
            toml::Value::Table(pairs.into_iter().map(|(k, v)| (k.clone(), v.to_owned().into())).collect())
        };
        put("urls", pairs(connection.urls.iter().map(|(k, v)| (k, v.as_str())).collect()));
        put("options", pairs(connection.options.iter().map(|(k, v)| (k, v.as_str())).collect()));
        put("secrets", pairs(connection.secrets.iter().map(|(k, v)| (k, v.expose_secret())).collect()));
        let wallets = connection.wallets.iter().map(|wallet| {
            let fields =
                [("id", wallet.id.clone()), ("code", wallet.code.clone()), ("currency", wallet.currency.to_string())];
            let fields = fields.into_iter().chain(wallet.purse.clone().map(|purse| ("purse", purse)));
            toml::Value::Table(fields.map(|(k, v)| (k.to_owned(), v.into())).collect())
        });
        put("wallets", toml::Value::Array(wallets.collect()));
        list.push(toml::Value::Table(table));
    }
    file.insert("connections".to_owned(), toml::Value::Array(list));
    toml::to_string(&file).expect("what a test configures can be written")
}
