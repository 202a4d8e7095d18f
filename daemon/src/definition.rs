//! What a metric is called, what it counts and how it is labelled, said once: the series are made from it, and so is the
//! table in docs/metrics.md. Each program lists its own definitions.

use std::collections::HashMap;

use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts,
};

/// Labels that every series of a metric carries with the same value.
pub type Constant<'a> = &'a [(&'static str, &'a str)];

/// What may stand in a label.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// One of these words.
    Words(fn() -> Vec<&'static str>),
    /// What this sentence says; never anything of a request.
    Of(&'static str),
}

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What may stand in it.
    pub values: Values,
}

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only up.
    Counter,
    /// Up and down.
    Gauge,
    /// Observations, counted up to each of these bounds.
    Histogram(&'static [f64]),
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// In what it is measured.
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    /// The labels whose values vary.
    pub labels: &'static [Label],
}

impl Definition {
    fn options(&self, constant: Constant<'_>) -> Opts {
        let constant: HashMap<_, _> = constant
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Opts::new(self.name, self.help).const_labels(constant)
    }

    fn buckets(&self, constant: Constant<'_>) -> HistogramOpts {
        let options = HistogramOpts::from(self.options(constant));
        match self.kind {
            Kind::Histogram(bounds) => options.buckets(bounds.to_vec()),
            Kind::Counter | Kind::Gauge => options,
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.labels.iter().map(|label| label.name).collect()
    }

    /// A counter without labels.
    pub fn counter(&self, constant: Constant<'_>) -> prometheus::Result<IntCounter> {
        IntCounter::with_opts(self.options(constant))
    }

    /// A counter without labels that counts parts of its unit.
    pub fn float_counter(&self, constant: Constant<'_>) -> prometheus::Result<Counter> {
        Counter::with_opts(self.options(constant))
    }

    /// A counter for each combination of labels.
    pub fn counters(&self, constant: Constant<'_>) -> prometheus::Result<IntCounterVec> {
        IntCounterVec::new(self.options(constant), &self.names())
    }

    /// The same, of parts of its unit.
    pub fn float_counters(&self, constant: Constant<'_>) -> prometheus::Result<CounterVec> {
        CounterVec::new(self.options(constant), &self.names())
    }

    /// A gauge without labels.
    pub fn gauge(&self, constant: Constant<'_>) -> prometheus::Result<IntGauge> {
        IntGauge::with_opts(self.options(constant))
    }

    /// A gauge without labels of parts of its unit.
    pub fn float_gauge(&self, constant: Constant<'_>) -> prometheus::Result<Gauge> {
        Gauge::with_opts(self.options(constant))
    }

    /// A gauge for each combination of labels.
    pub fn gauges(&self, constant: Constant<'_>) -> prometheus::Result<IntGaugeVec> {
        IntGaugeVec::new(self.options(constant), &self.names())
    }

    /// A gauge of parts of its unit for each combination of labels. Without labels it is one that may be taken away.
    pub fn float_gauges(&self, constant: Constant<'_>) -> prometheus::Result<GaugeVec> {
        GaugeVec::new(self.options(constant), &self.names())
    }

    /// A histogram without labels.
    pub fn histogram(&self, constant: Constant<'_>) -> prometheus::Result<Histogram> {
        Histogram::with_opts(self.buckets(constant))
    }

    /// A histogram for each combination of labels.
    pub fn histograms(&self, constant: Constant<'_>) -> prometheus::Result<HistogramVec> {
        HistogramVec::new(self.buckets(constant), &self.names())
    }
}

/// The definitions as a table of Markdown.
#[must_use]
pub fn table(definitions: &[&Definition]) -> String {
    let mut lines = vec![
        "| Metric | Type | Unit | Labels | Says |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(definitions.iter().map(|definition| row(definition)));
    lines.join("\n") + "\n"
}

fn row(definition: &Definition) -> String {
    let Definition {
        name,
        kind,
        unit,
        help,
        labels,
    } = definition;
    let kind = match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let labels: Vec<_> = labels.iter().map(label).collect();
    format!("| `{name}` | {kind} | {unit} | {} | {help} |", labels.join("; "))
}

fn label(label: &Label) -> String {
    let values = match label.values {
        Values::Words(words) => words().join(", "),
        Values::Of(sentence) => sentence.to_owned(),
    };
    format!("`{}`: {values}", label.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANVILS: Definition = Definition {
        name: "acme_anvils_total",
        kind: Kind::Counter,
        unit: "anvils",
        help: "Anvils that were dropped.",
        labels: &[
            Label {
                name: "target",
                values: Values::Words(|| vec!["hit", "missed"]),
            },
            Label {
                name: "cliff",
                values: Values::Of("the name of a cliff"),
            },
        ],
    };

    #[test]
    fn a_definition_is_one_row() {
        let table = table(&[&ANVILS]);
        assert_eq!(
            table.lines().last(),
            Some(
                "| `acme_anvils_total` | counter | anvils | `target`: hit, missed; `cliff`: the name of a cliff | Anvils that were dropped. |"
            )
        );
    }

    #[test]
    fn a_series_has_the_labels_of_its_definition() -> Result<(), prometheus::Error> {
        let registry = prometheus::Registry::new();
        let counters = ANVILS.counters(&[("site", "acme")])?;
        registry.register(Box::new(counters.clone()))?;
        counters.with_label_values(&["hit", "north"]).inc();
        let told = prometheus::TextEncoder::new().encode_to_string(&registry.gather())?;
        assert!(
            told.contains(r#"acme_anvils_total{cliff="north",site="acme",target="hit"} 1"#),
            "{told}"
        );
        Ok(())
    }
}
