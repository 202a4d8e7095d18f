//! The peer without verification: the same route on axum, the same answer, the same allocator, and nothing else. What the
//! service needs beyond it is the price of everything that it promises. Started by `run`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::routing::get;
use serde_json::{Map, Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Customers = &'static HashMap<String, Map<String, Value>>;

type Answer = ([(HeaderName, &'static str); 1], String);

async fn answer(State(customers): State<Customers>, RawQuery(query): RawQuery) -> Answer {
    let phone = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "phone")
        .map(|(_, value)| value.into_owned());
    let results = phone.as_ref().and_then(|phone| customers.get(phone));
    let answer = json!({
        "phone_number": phone,
        "results": results,
        "error_code": results.is_none().then_some("not_found"),
    });
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::var("PORT")?.parse()?;
    let customers: Customers = Box::leak(serde_json::from_str(&std::env::var("CUSTOMERS")?)?);
    let public_url = std::env::var("PUBLIC_URL")?;
    let authority = public_url.split_once("://").context("PUBLIC_URL has no scheme")?.1;
    let prefix = authority.split_once('/').map_or("", |(_, path)| path);
    let router = Router::new()
        .route(&format!("/{prefix}/incoming-sms"), get(answer))
        .with_state(customers);
    let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    Ok(axum::serve(listener, router).await?)
}
