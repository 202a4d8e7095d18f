//! What answers an endpoint, from the resource: called by `config` for each.

use std::time::Duration;

use marketplace_crds::handler::Handler;
use marketplace_crds::handler::analysis::{Acoustics, Analysis};
use marketplace_crds::handler::sql::Sql;
use marketplace_crds::handler::table::Table;

use super::transcription;
use super::{HandlerPlan, ReadConfig, SqlPlan, TablePlan};
use crate::analysis::{AcousticsPlan, AnalysisPlan};
use crate::handler::sql::statement::Statement;
use crate::request::Mapping;

/// The one way of the endpoint.
pub(super) fn read(endpoint: &str, handler: &Handler, mapping: &Mapping) -> Result<HandlerPlan, ReadConfig> {
    match handler {
        Handler {
            table: Some(table),
            sql: None,
            analysis: None,
        } => Ok(HandlerPlan::Table(read_table(table))),
        Handler {
            table: None,
            sql: Some(sql),
            analysis: None,
        } => read_sql(endpoint, sql, mapping).map(HandlerPlan::Sql),
        Handler {
            table: None,
            sql: None,
            analysis: Some(analysis),
        } => read_analysis(endpoint, analysis).map(HandlerPlan::Analysis),
        _ => Err(ReadConfig::ChooseHandler {
            endpoint: endpoint.to_owned(),
        }),
    }
}

fn read_table(table: &Table) -> TablePlan {
    table
        .entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.results.clone()))
        .collect()
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
        timeout: Duration::from_secs(timeout_seconds.unsigned_abs().into()),
        max_connections: max_connections.unsigned_abs(),
    })
}

fn read_analysis(endpoint: &str, analysis: &Analysis) -> Result<AnalysisPlan, ReadConfig> {
    let Analysis {
        acoustics,
        transcription,
    } = analysis;
    Ok(AnalysisPlan {
        acoustics: acoustics.as_ref().map(|Acoustics {}| AcousticsPlan {}),
        transcription: transcription
            .as_ref()
            .map(|wanted| transcription::read(endpoint, wanted))
            .transpose()?,
    })
}
