//! The databases from outside: settings that decide whether a commit is kept, and whose schema it is. Nothing is made or
//! brought up to date here.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use super::Report;
use crate::exit::Code;

/// The files, each with its migrations table and how many steps it has had.
const FILES: [(&str, &str); 3] = [
    ("book.db", "SELECT COUNT(*), COALESCE(MIN(success), 0) FROM _sqlx_migrations"),
    ("door.db", "SELECT COUNT(*), COALESCE(MIN(success), 0) FROM _door_migrations"),
    ("views.db", "SELECT COUNT(*), COALESCE(MIN(success), 0) FROM _sqlx_migrations"),
];
/// The schemas, in the same way.
const SCHEMAS: [(&str, &str); 3] = [
    ("book", "SELECT COUNT(*), COALESCE(bool_and(success), false) FROM book._sqlx_migrations"),
    ("door", "SELECT COUNT(*), COALESCE(bool_and(success), false) FROM door._door_migrations"),
    ("views", "SELECT COUNT(*), COALESCE(bool_and(success), false) FROM views._migrations"),
];
const DURABILITY: &str = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit'), current_setting('server_version_num')::int4";
/// Tables of one of our schemas, whoever made them.
const TABLES: &str = "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE schemaname = $1";
/// Oldest PostgreSQL, as `server_version_num`.
const OLDEST: i32 = 150_000;
/// Longest wait for a server or a file that is busy.
const WAIT: Duration = Duration::from_secs(10);

/// Looks at the embedded files. Says whether a book may be opened.
pub(super) async fn files(folder: &Path, report: &mut Report) -> bool {
    let mut fine = true;
    let mut missing = Vec::new();
    for (name, migrations) in FILES {
        let path = folder.join(name);
        if !path.exists() {
            missing.push(name);
            continue;
        }
        match tokio::time::timeout(WAIT * 6, file(&path, migrations)).await {
            Ok(Ok(detail)) => report.ok(name, detail),
            Ok(Err(Bad { code, detail, advice })) => {
                fine = false;
                report.bad(name, code, detail, advice);
            }
            Err(_) => report.warn(name, "too large to be checked in a minute", "`ensimbi verify` recomputes the book"),
        }
    }
    match missing.as_slice() {
        [] => fine,
        all if all.len() == FILES.len() => {
            report.ok("databases", "none yet; the first start makes them");
            false
        }
        some => {
            let advice = "bring back the copy of the whole folder: its files belong together";
            report.bad("databases", Code::Disagrees, format!("missing beside the others: {}", some.join(", ")), advice);
            false
        }
    }
}

struct Bad {
    code: Code,
    detail: String,
    advice: &'static str,
}

async fn file(path: &Path, migrations: &'static str) -> Result<String, Bad> {
    let damaged = |error: sqlx::Error| Bad {
        code: Code::Wrong,
        detail: format!("it cannot be read as a database: {error}"),
        advice: "this is no file of ours, or a damaged one: name another folder with --data, or bring back a copy",
    };
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(WAIT);
    let mut connection: SqliteConnection = options.disable_statement_logging().connect().await.map_err(damaged)?;
    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.map_err(damaged)?;
    let whole: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await.map_err(damaged)?;
    let steps: Result<(i64, i64), _> = sqlx::query_as(migrations).fetch_one(&mut connection).await;
    connection.close().await.map_err(damaged)?;
    if whole != "ok" {
        let advice = "stop every process and bring back the copy of the whole folder";
        return Err(Bad { code: Code::Disagrees, detail: format!("damaged: {whole}"), advice });
    }
    let (steps, success) = steps.map_err(|_| Bad {
        code: Code::Wrong,
        detail: "it holds tables of another program".to_owned(),
        advice: "name another folder with --data",
    })?;
    if success == 0 {
        let advice = "start `ensimbi serve` of this version on it, and see what it says";
        return Err(Bad { code: Code::Disagrees, detail: "a migration has not ended".to_owned(), advice });
    }
    if journal != "wal" {
        let advice = "start `ensimbi serve` once: it sets WAL; and let no other program open the file";
        return Err(Bad { code: Code::Disagrees, detail: format!("journal_mode is {journal}, not wal"), advice });
    }
    Ok(format!("whole, WAL, {steps} migration(s); every connection of ours sets synchronous=FULL"))
}

/// Looks at the server. Says whether a book may be opened.
pub(super) async fn server(url: &str, report: &mut Report) -> bool {
    const NAME: &str = "database";
    // The parser's error could show the password.
    let Ok(options) = PgConnectOptions::from_str(url) else {
        report.bad(NAME, Code::Wrong, "its URL is no PostgreSQL URL", "write postgres://user@host:port/database");
        return false;
    };
    let options = options.application_name("ensimbi-doctor").disable_statement_logging();
    let connected = tokio::time::timeout(WAIT, PgConnection::connect_with(&options)).await;
    let mut connection = match connected {
        Ok(Ok(connection)) => connection,
        failed => {
            let why = match failed {
                Ok(Err(sqlx::Error::Database(error))) => format!("it refuses: {}", error.message()),
                Ok(Err(sqlx::Error::Io(error))) => format!("it cannot be reached: {}", error.kind()),
                _ => "it does not answer".to_owned(),
            };
            report.bad(NAME, Code::NotToBeHad, why, "check that it runs, its address, and the login");
            return false;
        }
    };
    let fine = match settings(&mut connection, report).await {
        Ok(fine) => fine,
        Err(error) => {
            report.bad(NAME, Code::NotToBeHad, error.to_string(), "check the login's rights");
            return false;
        }
    };
    let mut made = 0;
    for (schema, migrations) in SCHEMAS {
        let name = format!("schema {schema}");
        let tables: i64 = sqlx::query_scalar(TABLES).bind(schema).fetch_one(&mut connection).await.unwrap_or_default();
        let steps: Result<(i64, bool), _> = sqlx::query_as(migrations).fetch_one(&mut connection).await;
        match steps {
            Ok((steps, true)) => {
                made += 1;
                report.ok(name, format!("{steps} migration(s)"));
            }
            Ok((_, false)) => {
                let advice = "start `ensimbi serve` of this version on it, and see what it says";
                report.bad(name, Code::Disagrees, "a migration has not ended", advice);
            }
            Err(_) if tables == 0 => report.ok(name, "not there yet; the first start makes it"),
            Err(_) => {
                let advice = "give Ensimbi a database of its own, or a login that may read this schema";
                report.bad(name, Code::Wrong, "its tables are not ours, or this login may not read them", advice);
            }
        }
    }
    drop(connection.close().await);
    fine && made == SCHEMAS.len()
}

async fn settings(connection: &mut PgConnection, report: &mut Report) -> Result<bool, sqlx::Error> {
    let (fsync, pages, commit, version): (String, String, String, i32) =
        sqlx::query_as(DURABILITY).fetch_one(connection).await?;
    let mut fine = version >= OLDEST;
    let shown = format!("PostgreSQL {}", version / 10_000);
    if fine {
        report.ok("database version", shown);
    } else {
        report.bad("database version", Code::Wrong, shown, "15 or newer is needed");
    }
    for (name, value) in [("fsync", fsync), ("full_page_writes", pages), ("synchronous_commit", commit)] {
        let line = format!("database {name}");
        if value == "off" {
            fine = false;
            report.bad(line, Code::Wrong, "off", "set it to on: the server may lose what it acknowledged");
        } else if name == "synchronous_commit" && value == "local" {
            report.warn(line, value, "on waits for the standby too, where there is one");
        } else {
            report.ok(line, value);
        }
    }
    Ok(fine)
}
