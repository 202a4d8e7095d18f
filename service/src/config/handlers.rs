//! What answers an endpoint, from the resource: called by `config` for each.

use std::sync::Arc;
use std::time::Duration;

use marketplace_crds::handler::Handler;
use marketplace_crds::handler::analysis::Analysis;
use marketplace_crds::handler::container::Container;
use marketplace_crds::handler::http::{Breaker, Http};
use marketplace_crds::handler::sql::Sql;
use marketplace_crds::handler::table::Table;

use url::Url;

use super::{HandlerPlan, HttpPlan, ReadConfig, SqlPlan, TablePlan, transcription};
use crate::analysis::AnalysisPlan;
use crate::egress::Reach;
use crate::handler::http::BreakerPlan;
use crate::handler::sql::statement::Statement;
use crate::request::Mapping;

/// The one way of the endpoint.
pub(super) fn read(endpoint: &str, handler: &Handler, mapping: &Mapping) -> Result<HandlerPlan, ReadConfig> {
    let Handler {
        table,
        sql,
        http,
        container,
        analysis,
    } = handler;
    match (table, sql, http, container, analysis) {
        (Some(table), None, None, None, None) => read_table(endpoint, table).map(HandlerPlan::Table),
        (None, Some(sql), None, None, None) => read_sql(endpoint, sql, mapping).map(HandlerPlan::Sql),
        (None, None, Some(http), None, None) => read_http(endpoint, http).map(HandlerPlan::Http),
        (None, None, None, Some(container), None) => read_container(endpoint, container).map(HandlerPlan::Http),
        (None, None, None, None, Some(analysis)) => read_analysis(endpoint, analysis).map(HandlerPlan::Analysis),
        _ => Err(ReadConfig::ChooseHandler {
            endpoint: endpoint.to_owned(),
        }),
    }
}

fn read_table(endpoint: &str, table: &Table) -> Result<TablePlan, ReadConfig> {
    match table {
        Table {
            entries: Some(entries),
            secret_name: None,
        } => {
            let entries = entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.results.clone().into()));
            Ok(TablePlan::Entries(Arc::new(entries.collect())))
        }
        Table {
            entries: None,
            secret_name: Some(name),
        } => Ok(TablePlan::Secret(name.clone())),
        Table { .. } => Err(ReadConfig::ChooseHandler {
            endpoint: endpoint.to_owned(),
        }),
    }
}

fn read_http(endpoint: &str, http: &Http) -> Result<HttpPlan, ReadConfig> {
    let Http {
        url,
        secret_name,
        allow_insecure,
        timeout_seconds,
        breaker,
    } = http;
    Ok(HttpPlan {
        url: read_url(endpoint, url)?,
        reach: if *allow_insecure { Reach::Private } else { Reach::Public },
        secret_name: secret_name.clone(),
        timeout: timeout_seconds.map(seconds),
        breaker: read_breaker(breaker),
    })
}

/// A container of the pod is a partner at the loopback address. What the operator alone reads of it is not in what the
/// service is given.
fn read_container(endpoint: &str, container: &Container) -> Result<HttpPlan, ReadConfig> {
    let Container {
        image: _,
        port,
        path,
        probe_path: _,
        resources: _,
        env: _,
        timeout_seconds,
        breaker,
    } = container;
    Ok(HttpPlan {
        url: read_url(endpoint, &format!("http://127.0.0.1:{port}{path}"))?,
        reach: Reach::Beside,
        secret_name: None,
        timeout: timeout_seconds.map(seconds),
        breaker: read_breaker(breaker),
    })
}

fn read_url(endpoint: &str, url: &str) -> Result<Url, ReadConfig> {
    Url::parse(url).map_err(|_| ReadConfig::ReadPartnerUrl {
        endpoint: endpoint.to_owned(),
    })
}

fn read_breaker(breaker: &Breaker) -> BreakerPlan {
    let Breaker { failures, open_seconds } = breaker;
    BreakerPlan {
        failures: failures.unsigned_abs(),
        open: seconds(*open_seconds),
    }
}

fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(seconds.unsigned_abs().into())
}

fn read_sql(endpoint: &str, sql: &Sql, mapping: &Mapping) -> Result<SqlPlan, ReadConfig> {
    let Sql {
        secret_name,
        query,
        timeout_seconds,
        max_connections,
    } = sql;
    let configuration = mapping.configuration.keys().cloned().collect();
    let statement = Statement::parse(query, configuration).map_err(|source| ReadConfig::ReadQuery {
        endpoint: endpoint.to_owned(),
        source,
    })?;
    Ok(SqlPlan {
        secret_name: secret_name.clone(),
        statement,
        timeout: seconds(*timeout_seconds),
        max_connections: max_connections.unsigned_abs(),
    })
}

fn read_analysis(endpoint: &str, analysis: &Analysis) -> Result<AnalysisPlan, ReadConfig> {
    let plan = AnalysisPlan::read(analysis).map_err(|source| ReadConfig::ReadAnalysis {
        endpoint: endpoint.to_owned(),
        source,
    })?;
    let wanted = analysis.transcription.as_ref();
    let transcription = wanted.map(|wanted| transcription::read(endpoint, wanted, !plan.redacts()));
    Ok(AnalysisPlan {
        transcription: transcription.transpose()?,
        ..plan
    })
}
