//! Pure: what Prometheus is asked, and what its answer says.
//!
//! The traps that the query avoids: it is a count by deadline and no quantile, which would be NaN without traffic; the
//! services show every counter at 0 from their start, so that the first late result is an increase; and what two scrapes of
//! one pod count twice, they count twice in all deadlines, which leaves their shares as they are.

use std::collections::BTreeMap;

use reqwest::Url;
use serde::Deserialize;

use super::judge::Tally;
use crate::memory::Addon;

/// The results of the last ten minutes of every endpoint of every add-on, by the tightest deadline that they met.
pub const QUERY: &str = "sum by (addon, endpoint, deadline) (increase(marketplace_jobs_finished_total[10m]))";

/// The results of each endpoint of each add-on.
pub type Tallies = BTreeMap<Addon, BTreeMap<String, Tally>>;

/// Why an answer says nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadAnswer {
    /// It is not the answer of a Prometheus.
    #[error("failed to understand the answer: it is not that of a Prometheus")]
    Parse,
    /// It is an answer, and none to the query.
    #[error("failed to evaluate the query")]
    Evaluate,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
    value: (f64, String),
}

#[derive(Deserialize)]
struct Labels {
    addon: Option<String>,
    endpoint: Option<String>,
    deadline: Option<String>,
}

/// Where the query is asked, whatever stands behind the host of the address.
#[must_use]
pub fn url(address: &str) -> Option<Url> {
    let mut url: Url = address.parse().ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["api", "v1", "query"]);
    url.query_pairs_mut().clear().append_pair("query", QUERY);
    Some(url)
}

/// The counts. A series that is not one of ours is passed over.
pub fn read(answer: &[u8]) -> Result<Tallies, ReadAnswer> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| ReadAnswer::Parse)?;
    let data = answer.data.filter(|_| answer.status == "success");
    let mut tallies = Tallies::new();
    for Series { metric, value } in data.ok_or(ReadAnswer::Evaluate)?.result {
        let Labels {
            addon: Some(addon),
            endpoint: Some(endpoint),
            deadline: Some(deadline),
        } = metric
        else {
            continue;
        };
        let (Some((namespace, name)), Ok(count)) = (addon.split_once('/'), value.1.parse::<f64>()) else {
            continue;
        };
        let endpoints = tallies.entry((namespace.to_owned(), name.to_owned())).or_default();
        endpoints.entry(endpoint).or_default().add(&deadline, count);
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_asked_below_whatever_path_the_address_has() {
        let asked = "query=sum+by+%28addon%2C+endpoint%2C+deadline%29+%28increase%28marketplace_jobs_finished_total%5B10m%5D%29%29";
        for (address, before) in [
            ("http://prometheus:9090", "http://prometheus:9090/api/v1/query?"),
            ("http://prometheus:9090/", "http://prometheus:9090/api/v1/query?"),
            ("https://mimir/prometheus/", "https://mimir/prometheus/api/v1/query?"),
        ] {
            assert_eq!(url(address).map(String::from), Some(format!("{before}{asked}")));
        }
        for address in ["prometheus:9090", "", "ftp://prometheus", "http://"] {
            assert_eq!(url(address), None, "{address}");
        }
    }

    #[test]
    fn counts_are_read_by_addon_and_endpoint_and_strangers_passed_over() {
        let series = |labels: &str, value: &str| format!(r#"{{"metric":{{{labels}}},"value":[1.5,"{value}"]}}"#);
        let ours = |endpoint: &str, deadline: &str| {
            format!(r#""addon":"shop/harbour","endpoint":"{endpoint}","deadline":"{deadline}""#)
        };
        let all = [
            series(&ours("calls", "median"), "96.9"),
            series(&ours("calls", "late"), "2.1"),
            series(&ours("other", "p99"), "NaN"),
            series(&ours("other", "someday"), "7"),
            series(r#""addon":"nowhere","endpoint":"calls","deadline":"late""#, "9"),
            series(r#""job":"stranger""#, "9"),
        ];
        let answer = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
            all.join(",")
        );
        let tallies = read(answer.as_bytes()).expect("it is an answer");
        let shown: Vec<_> = tallies.iter().collect();
        let calls = Tally {
            median: 97,
            late: 2,
            ..Tally::default()
        };
        let endpoints = BTreeMap::from([("calls".to_owned(), calls), ("other".to_owned(), Tally::default())]);
        assert_eq!(shown, [(&("shop".to_owned(), "harbour".to_owned()), &endpoints)]);
    }

    #[test]
    fn what_is_no_answer_is_told_in_words() {
        let told = |text: &str| read(text.as_bytes()).err().map(|error| error.to_string());
        let parse = "failed to understand the answer: it is not that of a Prometheus";
        assert_eq!(told("<html>").as_deref(), Some(parse));
        assert_eq!(
            told(r#"{"status":"error","errorType":"timeout","error":"too slow"}"#).as_deref(),
            Some("failed to evaluate the query")
        );
        assert_eq!(told(r#"{"status":"success","data":{"result":[]}}"#), None);
    }
}
