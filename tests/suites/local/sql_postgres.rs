//! What is known of a number lies in a Postgres database of the publisher's own.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home, home_of, manifest_with};
use marketplace_tests::postgres::Postgres;
use marketplace_tests::service::{Home, Service};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use super::sms::json_of;
use super::sql::ask;

const QUERY: &str = "/spec/endpoints/4/handler/sql/query";

/// A schema with customers, and its URL.
async fn make_database() -> Result<String> {
    let url = Postgres::shared()?.schema()?;
    let mut connection = PgConnection::connect(&url).await?;
    let rows = "create table customers (phone text primary key, name text, kind text, orders bigint, balance numeric, since date, tags text[]);
        insert into customers values ('+14155551212', 'Ada Lovelace', 'gold', 42, 12.50, '2020-02-29', '{a,b}');
        create table orders (number bigint, note text);
        insert into orders values (7, repeat('x', 70000));";
    sqlx::raw_sql(rows).execute(&mut connection).await?;
    connection.close().await?;
    Ok(url)
}

fn home_with(query: &str, url: &str) -> Result<Home> {
    let home = home_of(&manifest_with(QUERY, json!(query)))?;
    home.write_secret("crm", "DATABASE_URL", url)?;
    Ok(home)
}

#[tokio::test]
async fn answers_with_the_columns_of_the_first_row_as_json() -> Result<()> {
    let url = make_database().await?;
    let home = home_with(
        "select name as customer_name, orders, balance, since, tags, null as other from customers where phone = :phone_number order by 1 -- done",
        &url,
    )?;
    let service = Service::start(&home).await?;
    let known = json!({
        "customer_name": "Ada Lovelace", "orders": 42, "balance": 12.5, "since": "2020-02-29", "tags": ["a", "b"], "other": null,
    });
    for (phone, results) in [
        (KNOWN, known),
        ("+14155550000", Value::Null),
        ("' or 1=1 --", Value::Null),
    ] {
        let answer = json_of(&ask(&service, "/customers", phone).await?)?;
        assert_eq!(answer["results"], results, "{phone}");
    }
    Ok(())
}

#[tokio::test]
async fn no_query_writes_and_none_goes_on_when_its_time_is_over() -> Result<()> {
    let url = make_database().await?;
    for (query, reason) in [
        (
            "with gone as (delete from customers returning name) select name from gone",
            "database_failed",
        ),
        ("select nextval('numbers')", "database_failed"),
        (
            "select set_config('transaction_read_only', 'off', false) as a, 1 / (select 0) as b",
            "database_failed",
        ),
        ("select pg_sleep(600) as slept", "database_timeout"),
        (
            "select orders + :phone_number::bigint as wrong, 1 / 0 as zero from customers",
            "database_failed",
        ),
    ] {
        let mut manifest = manifest_with(QUERY, json!(query));
        manifest["spec"]["endpoints"][4]["handler"]["sql"]["timeoutSeconds"] = json!(1);
        let home = home_of(&manifest)?;
        home.write_secret("crm", "DATABASE_URL", &url)?;
        let service = Service::start(&home).await?;
        assert_eq!(ask(&service, "/customers", KNOWN).await?.status, 503, "{query}");
        let told = format!("reason=\"{reason}\"");
        let metrics = service.metrics().await?;
        assert!(metrics.contains(&told), "{query}: {told} is not in\n{metrics}");
        assert!(!home.log().contains(&KNOWN[1..]), "{query}: the log tells a number");
    }
    let mut connection = PgConnection::connect(&url).await?;
    let left: i64 = sqlx::query_scalar("select count(*) from customers")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(left, 1);
    let slept: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()",
    )
    .fetch_one(&mut connection)
    .await?;
    assert_eq!(slept, 0, "the server goes on");
    Ok(())
}

#[tokio::test]
async fn a_row_that_is_larger_than_an_answer_may_be_is_refused() -> Result<()> {
    let url = make_database().await?;
    let home = home_with("select note from orders where :phone_number <> ''", &url)?;
    let service = Service::start(&home).await?;
    let answer = json_of(&ask(&service, "/customers", KNOWN).await?)?;
    assert_eq!(answer["error_code"], "answer_too_large");
    Ok(())
}

#[tokio::test]
async fn a_database_among_the_services_own_files_is_not_opened() -> Result<()> {
    let home = home()?;
    let link = home.path().join("customers.db");
    std::os::unix::fs::symlink(home.data_path().join("queue.db"), &link)?;
    home.write_secret("crm", "DATABASE_URL", &format!("sqlite://{}", link.display()))?;
    let service = Service::start(&home).await?;
    assert_eq!(ask(&service, "/customers", KNOWN).await?.status, 503);
    assert!(service.metrics().await?.contains("reason=\"database_url_invalid\""));
    assert!(home.log().contains("own data folder"), "{}", home.log());
    Ok(())
}
