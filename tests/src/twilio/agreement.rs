//! One row of the table of disagreements, and its text.

use std::fmt;

/// How the judges see one request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// What is out of the ordinary.
    pub class: String,
    /// What Node, Python, Go and Java say; none where it cannot be asked.
    pub libraries: [Option<bool>; 4],
    /// What we say.
    pub ours: Option<bool>,
}

impl Row {
    /// What all libraries say that can be asked, if they say the same.
    pub fn agreed(&self) -> Option<bool> {
        let mut said = self.libraries.iter().flatten();
        let first = *said.next()?;
        said.all(|verdict| *verdict == first).then_some(first)
    }

    /// A row of the table as it is written.
    pub fn read(line: &str) -> Option<Self> {
        let cells: Vec<_> = line.strip_prefix("| ")?.split(" | ").collect();
        let [class, node, python, go, java, ours, ..] = cells.as_slice() else {
            return None;
        };
        let verdict = |cell: &str| match cell {
            "yes" => Some(Some(true)),
            "no" => Some(Some(false)),
            "-" => Some(None),
            _ => None,
        };
        Some(Self {
            class: (*class).to_owned(),
            libraries: [verdict(node)?, verdict(python)?, verdict(go)?, verdict(java)?],
            ours: verdict(ours)?,
        })
    }
}

/// As it stands in the table.
impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "| {}", self.class)?;
        for verdict in self.libraries.iter().chain([&self.ours]) {
            let cell = match verdict {
                Some(true) => "yes",
                Some(false) => "no",
                None => "-",
            };
            write!(formatter, " | {cell}")?;
        }
        Ok(())
    }
}
