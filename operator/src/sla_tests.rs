//! What is said after answers and failures of a Prometheus, who is told of it, and what is really asked.

use tokio::sync::broadcast::error::TryRecvError;

use super::*;
use crate::fake_page::{Pages, install_tls};

const PAGE: &str = "/api/v1/query";

fn harbour() -> Addon {
    ("shop".to_owned(), "harbour".to_owned())
}

fn endpoints() -> BTreeSet<String> {
    BTreeSet::from(["calls".to_owned()])
}

fn answer(deadline: &str) -> String {
    let labels = format!(r#"{{"addon":"shop/harbour","endpoint":"calls","deadline":"{deadline}"}}"#);
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{labels},"value":[1.5,"9"]}}]}}}}"#
    )
}

fn answered(deadline: &str) -> Result<Tallies, QueryError> {
    Ok(query::read(answer(deadline).as_bytes())?)
}

fn away() -> Result<Tallies, QueryError> {
    Err(QueryError::Ask(AskError::Connect))
}

/// What is said after each answer, and whether anybody was told.
fn said_after(answers: Vec<Result<Tallies, QueryError>>) -> Vec<String> {
    let sla = Sla::new(Some("http://prometheus".to_owned()));
    let mut news = sla.news();
    let mut said = Vec::new();
    for answer in answers {
        sla.take(answer);
        let word = match sla.said(&harbour(), &endpoints()) {
            Said::Unset => "unset",
            Said::Unreachable(_) => "unreachable",
            Said::NoData => "no data",
            Said::Undecided => "undecided",
            Said::Met => "met",
            Said::Missed(_) => "missed",
        };
        let told = match news.try_recv() {
            Ok(News::All) => " to all",
            Ok(News::Of(addons)) if *addons == BTreeSet::from([harbour()]) => " to one",
            Ok(News::Of(_)) => " to strangers",
            Err(TryRecvError::Empty) => "",
            Err(TryRecvError::Closed | TryRecvError::Lagged(_)) => " to nobody",
        };
        said.push(format!("{word}{told}"));
    }
    said
}

#[test]
fn what_changes_is_said_after_three_answers_and_told() {
    let median = || answered("median");
    let late = || answered("late");
    let nothing = || Ok(Tallies::new());
    let (undecided, met) = ("undecided", "met");
    for (answers, expected) in [
        (
            vec![median(), median(), median(), median()],
            vec![undecided, undecided, "met to all", met],
        ),
        (
            vec![median(), median(), median(), late(), late(), late()],
            vec![undecided, undecided, "met to all", met, met, "missed to one"],
        ),
        (
            vec![nothing(), nothing(), nothing()],
            vec![undecided, undecided, "no data to all"],
        ),
        (
            vec![median(), median(), median(), nothing(), nothing(), nothing()],
            vec![undecided, undecided, "met to all", met, met, "no data to one"],
        ),
        (
            vec![median(), median(), median(), away(), away(), away(), away()],
            vec![
                undecided,
                undecided,
                "met to all",
                met,
                met,
                "unreachable to all",
                "unreachable",
            ],
        ),
        (
            vec![away(), away(), away(), median(), median(), median()],
            vec![
                undecided,
                undecided,
                "unreachable to all",
                "undecided to all",
                undecided,
                "met to all",
            ],
        ),
    ] {
        assert_eq!(said_after(answers), expected);
    }
}

#[test]
fn nobody_is_asked_where_no_address_is_given() {
    assert_eq!(Sla::new(None).said(&harbour(), &endpoints()), Said::Unset);
}

#[tokio::test]
async fn the_query_is_asked_and_its_answer_taken() -> Result<(), Box<dyn std::error::Error>> {
    install_tls();
    let prometheus = Pages::start().await?;
    prometheus.put(PAGE, answer("late"));
    let address = format!("http://{}", prometheus.address());
    let tallies = fetch(&address).await?;
    assert_eq!(tallies[&harbour()]["calls"].late, 9);
    let asked = prometheus.take_asked().concat();
    assert!(
        asked.contains("increase%28marketplace_jobs_finished_total%5B10m%5D%29"),
        "{asked}"
    );

    let words = async |address: &str| fetch(address).await.err().map(|error| failure::chain(&error));
    prometheus.put(PAGE, "<html>");
    let told = words(&address).await;
    assert!(told.is_some_and(|told| told.contains("not that of a Prometheus")));
    assert!(words("prometheus").await.is_some_and(|told| told.contains("http://")));
    prometheus.end().await;
    assert_eq!(words(&address).await.as_deref(), Some("failed to connect"));
    Ok(())
}

#[tokio::test]
async fn the_task_asks_when_it_leads_and_ends_when_it_is_told_to() -> Result<(), Box<dyn std::error::Error>> {
    install_tls();
    let prometheus = Pages::start().await?;
    prometheus.put(PAGE, answer("median"));
    let sla = Arc::new(Sla::new(Some(format!("http://{}", prometheus.address()))));
    let standing = tokio::sync::watch::Sender::new(Standing::Leading);
    let stop = CancellationToken::new();
    let mut news = sla.news();
    let interval = Duration::from_millis(10);
    let task = tokio::spawn(Arc::clone(&sla).run(standing.subscribe(), interval, stop.clone()));
    news.recv().await?;
    assert_eq!(sla.said(&harbour(), &endpoints()), Said::Met);
    stop.cancel();
    task.await??;
    Ok(())
}
