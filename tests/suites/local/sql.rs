//! What is known of a number lies in a database of the publisher's own.

use anyhow::Result;
use marketplace_tests::addon::{KNOWN, home, home_of, manifest_with, request_sid, twilio};
use marketplace_tests::http::Answer;
use marketplace_tests::patience::until;
use marketplace_tests::service::{Home, Service};
use marketplace_tests::twilio::{Payload, Sdk, pairs};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::sms::json_of;

const QUERY: &str = "/spec/endpoints/4/handler/sql/query";

fn options(home: &Home) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(home.path().join("customers.db"))
        .create_if_missing(true)
}

async fn make_database(home: &Home) -> Result<()> {
    let mut connection: SqliteConnection = options(home).connect().await?;
    let rows = "create table customers (phone text primary key, name text, kind text, orders integer, balance real);
        insert into customers values ('+14155551212', 'Ada Lovelace', 'gold', 42, 12.5);
        insert into customers values ('+14155551213', null, 'new', 0, null);
        insert into customers values ('+14155551214', 'O''Brien \"the\" 🎉', '', -9007199254740991, 0.0);";
    sqlx::raw_sql(rows).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn number_of_customers(home: &Home) -> Result<i64> {
    let mut connection: SqliteConnection = options(home).read_only(true).connect().await?;
    let number = sqlx::query_scalar("select count(*) from customers")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(number)
}

fn name_database(home: &Home) -> Result<()> {
    let url = format!("sqlite://{}", home.path().join("customers.db").display());
    home.write_secret("crm", "DATABASE_URL", &url)
}

pub async fn ask(service: &Service<'_>, path: &str, phone: &str) -> Result<Answer> {
    let request = twilio(Sdk::Python).request(path, &request_sid(), Payload::Query(pairs(&[("phone", phone)])))?;
    request.send(service.address()).await
}

#[tokio::test]
async fn answers_with_the_columns_of_the_row_numbers_and_nulls_included() -> Result<()> {
    let home = home()?;
    make_database(&home).await?;
    name_database(&home)?;
    let service = Service::start(&home).await?;
    for (phone, results) in [
        (
            KNOWN,
            json!({ "customer_name": "Ada Lovelace", "customer_type": "gold", "orders": 42, "balance": 12.5 }),
        ),
        (
            "+14155551213",
            json!({ "customer_name": null, "customer_type": "new", "orders": 0, "balance": null }),
        ),
        (
            "+14155551214",
            json!({ "customer_name": "O'Brien \"the\" 🎉", "customer_type": "", "orders": -9_007_199_254_740_991_i64, "balance": 0.0 }),
        ),
        ("+14155550000", json!(null)),
        ("' or 1=1 --", json!(null)),
    ] {
        let answer = json_of(&ask(&service, "/customers", phone).await?)?;
        let error_code = results.is_null().then_some("not_found");
        let expected = json!({ "phone_number": phone, "results": results, "error_code": error_code });
        assert_eq!(answer, expected);
    }
    Ok(())
}

#[tokio::test]
async fn answers_503_without_its_database_while_the_table_answers_and_recovers_by_itself() -> Result<()> {
    let home = home()?;
    name_database(&home)?;
    let service = Service::start(&home).await?;
    assert_eq!(ask(&service, "/customers", KNOWN).await?.status, 503);
    assert_eq!(ask(&service, "/query", KNOWN).await?.status, 200);
    assert!(
        !home.path().join("customers.db").exists(),
        "a database is never made by asking it"
    );
    make_database(&home).await?;
    until("the database is found", async || {
        Ok((ask(&service, "/customers", KNOWN).await?.status == 200).then_some(()))
    })
    .await
}

#[tokio::test]
async fn answers_503_without_its_secret_while_the_table_answers() -> Result<()> {
    let home = home()?;
    let service = Service::start(&home).await?;
    assert_eq!(ask(&service, "/customers", KNOWN).await?.status, 503);
    assert_eq!(ask(&service, "/query", KNOWN).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn no_query_can_write() -> Result<()> {
    for query in [
        "with old as (select 1) delete from customers",
        "with new as (select 'x') insert into customers (phone) select :phone_number from new",
    ] {
        let home = home_of(&manifest_with(QUERY, json!(query)))?;
        make_database(&home).await?;
        name_database(&home)?;
        let service = Service::start(&home).await?;
        let answer = ask(&service, "/customers", "+14155559999").await?;
        assert_eq!(answer.status, 503, "{query}: {}", answer.text());
        assert_eq!(number_of_customers(&home).await?, 3, "{query}");
    }
    Ok(())
}
