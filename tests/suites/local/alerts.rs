//! The alerts of an add-on, as the operator renders them: each fires and does not fire, by Prometheus' own judgement; each has
//! its section in the runbook; and each speaks of metrics that exist.

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use marketplace_tests::cluster::top;
use marketplace_tests::report::figure;
use marketplace_tests::service::program;
use serde_json::{Value, json};

use cases::{Case, cases};

/// An add-on to which everything may happen.
const ADDON: &str = include_str!("alerts/addon.yaml");

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        std::fs::write(&path, content)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what cannot be removed is nobody's harm
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The spec of the PrometheusRule.
fn rendered(folder: &Folder) -> Result<Value> {
    let file = folder.write("addon.yaml", ADDON)?;
    for key in [
        "twilio/ACCOUNT_SID",
        "twilio/AUTH_TOKEN",
        "jobs/DATABASE_URL",
        "tls/tls.crt",
        "tls/tls.key",
    ] {
        folder.write(&format!("secrets/{key}"), "given")?;
    }
    let operator = program()?.with_file_name("marketplace-operator");
    let output = Command::new(operator)
        .args(["render", "--secrets"])
        .arg(folder.0.join("secrets"))
        .arg("-f")
        .arg(file)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout)?;
    let documents = printed.split("---\n").filter(|document| !document.trim().is_empty());
    for document in documents {
        let object: Value = serde_yaml::from_str(document)?;
        if object["kind"] == "PrometheusRule" {
            return Ok(object["spec"].clone());
        }
    }
    anyhow::bail!("no PrometheusRule is rendered")
}

/// Those on the operator itself, which its chart has.
fn of_operator() -> Result<Value> {
    let file = top().join("charts/marketplace-operator/files/alerts.yaml");
    Ok(serde_yaml::from_str(&std::fs::read_to_string(file)?)?)
}

fn alerts(spec: &Value) -> BTreeMap<String, Value> {
    let groups = spec["groups"].as_array().into_iter().flatten();
    let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    rules
        .map(|rule| (rule["alert"].as_str().unwrap_or_default().to_owned(), rule.clone()))
        .collect()
}

fn promtool(arguments: &[&str], file: &Path) -> Result<String> {
    let ended = Command::new("promtool").args(arguments).arg(file).output();
    let ended = ended.context("promtool is missing: install the package prometheus")?;
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    ensure!(ended.status.success(), "{said}");
    Ok(said)
}

/// In the form that promtool reads. What a firing alert is labelled with is compared, too.
fn as_promtool(case: &Case, rules: &BTreeMap<String, Value>) -> Value {
    let series = case.series.iter();
    let series = series.map(|(series, values)| json!({"series": series, "values": values}));
    let mut labels = case.labels.clone();
    labels.insert("addon".to_owned(), "addons/insights".to_owned());
    let severity = rules[case.alert]["labels"]["severity"].as_str().unwrap_or_default();
    labels.insert("severity".to_owned(), severity.to_owned());
    let expected = if case.fires {
        json!([{ "exp_labels": labels }])
    } else {
        json!([])
    };
    json!({
        "name": format!("{}: {}", case.alert, case.name),
        "interval": "1m",
        "input_series": series.collect::<Vec<_>>(),
        "alert_rule_test": [{
            "eval_time": format!("{}m", case.at_minutes), "alertname": case.alert, "exp_alerts": expected,
        }],
    })
}

#[test]
fn each_alert_fires_for_its_cause_and_for_nothing_else() -> Result<()> {
    let folder = Folder::new("alerts")?;
    let mut spec = rendered(&folder)?;
    let whole = folder.write("whole.yaml", &serde_json::to_string(&spec)?)?;
    promtool(&["check", "rules"], &whole)?;

    let rules = alerts(&spec);
    // promtool compares annotations to the letter; of them `check` has seen that they can be read
    for group in spec["groups"].as_array_mut().into_iter().flatten() {
        for rule in group["rules"].as_array_mut().into_iter().flatten() {
            rule.as_object_mut().map(|rule| rule.remove("annotations"));
        }
    }
    folder.write("rules.yaml", &serde_json::to_string(&spec)?)?;
    let cases = cases(&rules.keys().map(String::as_str).collect::<Vec<_>>());
    for alert in rules.keys() {
        for fires in [true, false] {
            let told = cases.iter().any(|case| case.alert == alert && case.fires == fires);
            ensure!(told, "no case in which {alert} fires: {fires}");
        }
    }
    let tests: Vec<_> = cases.iter().map(|case| as_promtool(case, &rules)).collect();
    let tests = json!({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests});
    let file = folder.write("tests.yaml", &serde_json::to_string(&tests)?)?;
    promtool(&["test", "rules"], &file)?;
    figure(&format!("{} alerts in {} cases", rules.len(), cases.len()));
    Ok(())
}

#[test]
fn each_alert_on_the_operator_fires_for_its_cause_and_for_nothing_else() -> Result<()> {
    let file = top().join("tests/suites/local/alerts/operator.yaml");
    let tests: Value = serde_yaml::from_str(&std::fs::read_to_string(&file)?)?;
    let cases: Vec<_> = tests["tests"].as_array().into_iter().flatten().collect();
    let cases = cases
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_array().into_iter().flatten());
    let told: BTreeSet<_> = cases
        .filter_map(|case| Some((case["alertname"].as_str()?, case["exp_alerts"].as_array()?.is_empty())))
        .collect();
    for alert in alerts(&of_operator()?).keys() {
        for stays_quiet in [true, false] {
            ensure!(
                told.contains(&(alert.as_str(), stays_quiet)),
                "no case in which {alert} stays quiet: {stays_quiet}"
            );
        }
    }
    promtool(&["test", "rules"], &file).map(drop)
}

#[test]
fn each_alert_has_a_section_in_the_runbook_and_each_section_an_alert() -> Result<()> {
    let folder = Folder::new("runbook")?;
    let rules = alerts(&rendered(&folder)?);
    let runbook = std::fs::read_to_string(top().join("docs/runbook.md"))?;
    let sections: BTreeSet<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let own = alerts(&of_operator()?);
    let names: BTreeSet<_> = rules.keys().chain(own.keys()).map(String::as_str).collect();
    assert_eq!(sections, names);
    for (name, rule) in rules.iter().chain(&own) {
        let url = rule["annotations"]["runbook_url"].as_str().unwrap_or_default();
        let url = url.replace("RUNBOOK", "/docs/runbook.md");
        assert!(
            url.ends_with(&format!("/docs/runbook.md#{}", name.to_lowercase())),
            "{url}"
        );
        for annotation in ["summary", "description"] {
            assert!(rule["annotations"][annotation].is_string(), "{name}: {annotation}");
        }
    }
    Ok(())
}

#[test]
fn each_alert_and_the_runbook_speak_of_metrics_that_exist() -> Result<()> {
    let folder = Folder::new("metric-names")?;
    let catalog = std::fs::read_to_string(top().join("docs/metrics.md"))?;
    let known = |name: &str| catalog.contains(&format!("| `{name}` |"));
    let runbook = std::fs::read_to_string(top().join("docs/runbook.md"))?;
    let (rules, own) = (alerts(&rendered(&folder)?), alerts(&of_operator()?));
    let expressions = rules
        .values()
        .chain(own.values())
        .filter_map(|rule| rule["expr"].as_str());
    let texts: Vec<_> = expressions.chain([runbook.as_str()]).collect();
    let mut seen = 0;
    for text in texts {
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        for name in words.filter(|word| word.starts_with("marketplace_")) {
            ensure!(known(name), "{name} is not in docs/metrics.md: {text}");
            seen += 1;
        }
    }
    assert!(seen > rules.len(), "{seen}");
    Ok(())
}
