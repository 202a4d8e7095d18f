//! Queries against real SQLite files.

use std::error::Error;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::watch;

use super::statement::Statement;
use super::{LookUpRow, SqlLookup};
use crate::admission::Lookup;
use crate::config::SqlPlan;
use crate::domain::TwilioSids;

/// More than any query of these tests needs.
const AMPLE: Duration = Duration::from_mins(1);

type Outcome = Result<(), Box<dyn Error>>;
type UrlSender = watch::Sender<Option<SecretString>>;

async fn make_database(path: &Path, name: &'static str) -> Result<SecretString, Box<dyn Error>> {
    let url = format!("sqlite://{}", path.display());
    let options = SqliteConnectOptions::from_str(&url)?.create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::query("create table customers (phone text, name text, score real, orders integer, photo blob, note text)")
        .execute(&mut connection)
        .await?;
    for orders in [3, 4] {
        sqlx::query("insert into customers values ('+14155551212', ?1, 0.5, ?2, x'ff00', null)")
            .bind(name)
            .bind(orders)
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(SecretString::from(url))
}

fn sql(query: &str, url: Option<SecretString>) -> Result<(SqlLookup, UrlSender), Box<dyn Error>> {
    let plan = SqlPlan {
        secret_name: "crm".to_owned(),
        statement: Statement::parse(query, vec!["language".to_owned(), "tier".to_owned()])?,
        timeout: Duration::from_secs(2),
        max_connections: 1,
    };
    let (sender, receiver) = watch::channel(url);
    Ok((SqlLookup::new(plan, receiver, None), sender))
}

fn question(phone_number: &str) -> Lookup {
    Lookup {
        phone_number: phone_number.to_owned(),
        body: Some("hi".to_owned()),
        ..Lookup::default()
    }
}

async fn ask(sql: &SqlLookup, phone_number: &str) -> Result<Value, LookUpRow> {
    Ok(json!(sql.look_up(&question(phone_number), AMPLE).await?))
}

#[tokio::test]
async fn answers_with_the_columns_of_the_first_row() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = make_database(&folder.path().join("crm.db"), "Ada").await?;
    let query = "select name, score, orders, photo, note, :body as body, :secondary_phone_number as other \
                 from customers where phone = :phone_number order by orders";
    let (sql, _sender) = sql(query, Some(url))?;
    let expected = json!({
        "name": "Ada", "score": 0.5, "orders": 3, "photo": "/wA=", "note": null, "body": "hi", "other": null,
    });
    assert_eq!(ask(&sql, "+14155551212").await?, expected);
    assert_eq!(ask(&sql, "+1").await?, Value::Null);
    assert_eq!(ask(&sql, "' or 1=1 --").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn opens_the_database_of_a_changed_secret() -> Outcome {
    let folder = tempfile::tempdir()?;
    let first = make_database(&folder.path().join("first.db"), "Ada").await?;
    let second = make_database(&folder.path().join("second.db"), "Grace").await?;
    let (sql, sender) = sql("select name from customers where phone = :phone_number", None)?;
    assert!(matches!(ask(&sql, "+14155551212").await, Err(LookUpRow::FindUrl)));
    sender.send(Some(first))?;
    assert_eq!(ask(&sql, "+14155551212").await?, json!({"name": "Ada"}));
    sender.send(Some(second))?;
    assert_eq!(ask(&sql, "+14155551212").await?, json!({"name": "Grace"}));
    Ok(())
}

#[tokio::test]
async fn finds_a_database_that_came_later() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("crm.db");
    let url = SecretString::from(format!("sqlite://{}", path.display()));
    let (sql, _sender) = sql("select name from customers where phone = :phone_number", Some(url))?;
    assert!(matches!(
        ask(&sql, "+14155551212").await,
        Err(LookUpRow::RunQuery(_) | LookUpRow::FinishInTime(_))
    ));
    assert!(!path.exists(), "it was created");
    make_database(&path, "Ada").await?;
    assert_eq!(ask(&sql, "+14155551212").await?, json!({"name": "Ada"}));
    Ok(())
}

#[tokio::test]
async fn changes_nothing_in_the_database() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = make_database(&folder.path().join("crm.db"), "Ada").await?;
    for query in [
        "delete from customers returning name",
        "with a as (select 1) insert into customers (phone) select 1",
    ] {
        let (sql, _sender) = sql(query, Some(url.clone()))?;
        assert!(
            matches!(ask(&sql, "+14155551212").await, Err(LookUpRow::RunQuery(_))),
            "{query}"
        );
    }
    let (sql, _sender) = sql("select count(*) as rows from customers", Some(url))?;
    assert_eq!(ask(&sql, "").await?, json!({"rows": 2}));
    Ok(())
}

#[tokio::test]
async fn interrupts_a_query_that_computes_for_ever_and_goes_on() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = make_database(&folder.path().join("crm.db"), "Ada").await?;
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) \
                   select case when :body = 'hi' then (select count(*) from n) else 1 end as n";
    let (sql, _sender) = sql(endless, Some(url))?;
    // What is left for the answer is less than the endpoint's own limit.
    let left = Duration::from_millis(50);
    let interrupted = sql.look_up(&question("+1"), left).await;
    assert!(matches!(interrupted, Err(LookUpRow::FinishInTime(limit)) if limit == left));
    assert!(matches!(ask(&sql, "+1").await, Err(LookUpRow::FinishInTime(_))));
    // The only connection is free again: a query that was still running would make this one wait until it fails.
    let quick = Lookup {
        body: None,
        ..question("+1")
    };
    assert_eq!(json!(sql.look_up(&quick, AMPLE).await?), json!({"n": 1}));
    Ok(())
}

#[tokio::test]
async fn knows_no_other_databases_than_sqlite_and_postgres() -> Outcome {
    let (sql, _sender) = sql(
        "select 1 as one",
        Some(SecretString::from("mysql://user:secret@host/db")),
    )?;
    let error = ask(&sql, "+1").await;
    assert!(matches!(&error, Err(LookUpRow::ReadUrl)));
    assert!(!format!("{error:?}").contains("secret"));
    Ok(())
}

#[tokio::test]
async fn binds_the_parties_and_the_choices_of_the_customer() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = make_database(&folder.path().join("crm.db"), "Ada").await?;
    let query = "select :request_sid as request, :addon_install_sid as install, :configuration_sid as configuration, \
                 :config_language as language, :config_tier as tier";
    let (sql, _sender) = sql(query, Some(url))?;
    let lookup = Lookup {
        configuration: [("tier".to_owned(), "gold".to_owned())].into(),
        sids: Arc::new(TwilioSids {
            request: Some("MR1".to_owned()),
            addon_install: Some("XD1".to_owned()),
            ..TwilioSids::default()
        }),
        ..question("+1")
    };
    let expected = json!({"request": "MR1", "install": "XD1", "configuration": null, "language": null, "tier": "gold"});
    assert_eq!(json!(sql.look_up(&lookup, Duration::from_secs(10)).await?), expected);
    Ok(())
}
