//! What an analyzer is, and the list of all of them: whoever adds one writes a file beside this one and a line in the list.
//! Everything else about it follows from these: the plan, the member of `results`, its place in the published schema, and
//! what of it is left out when a result would be too large. `docs/plugin.md` shows it step by step.

use marketplace_crds::handler::analysis::Analysis;
use schemars::JsonSchema;
use serde::Serialize;

use super::AnalysisError;
use super::acoustics::AcousticsPlan;
use super::dtmf::DtmfPlan;
use super::heard::Heard;
use super::intent::IntentPlan;
use super::pattern::ReadPattern;
use super::redaction::RedactionPlan;
use super::sentiment::SentimentPlan;
use super::transcript::Transcript;
use crate::speech::TranscriptionPlan;

/// What an endpoint wants of one analyzer: plain data, read from the resource when the service starts.
pub trait Analyzer: Sized {
    /// Its member of `handler.analysis`.
    type Settings;
    /// Its member of `results`.
    type Report: Serialize + JsonSchema;
    /// The lists of its report that may be emptied when a result would be too large, the first first.
    const LISTS: &'static [&'static str] = &[];

    /// Reads the settings; what the resource's own rules cannot say is refused here.
    fn read(settings: &Self::Settings) -> Result<Self, ReadPattern>;

    /// Looks at the recording. What it says of words is said of redacted words: there are no others here.
    fn analyze(&self, heard: &Heard<'_>) -> Result<Self::Report, AnalysisError>;
}

/// A list that may be emptied: of which member of `results`, and its name there.
pub(super) type OptionalList = (&'static str, &'static str);

macro_rules! analyzers {
    ($($(#[$document:meta])* $member:ident: $plan:ty,)+) => {
        /// What an endpoint wants to know about its audio.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct AnalysisPlan {
            $($(#[$document])* pub $member: Option<$plan>,)+
            /// Who writes down what is said, before the analyzers run; `config` reads it.
            pub transcription: Option<TranscriptionPlan>,
        }

        impl AnalysisPlan {
            /// Reads the analyzers of the resource.
            pub fn read(analysis: &Analysis) -> Result<Self, ReadPattern> {
                // No `..`: every member of the resource has its analyzer.
                let Analysis { $($member,)+ transcription: _ } = analysis;
                Ok(Self {
                    transcription: None,
                    $($member: $member.as_ref().map(<$plan as Analyzer>::read).transpose()?,)+
                })
            }

            /// Runs every analyzer that is wanted.
            pub(super) fn run(&self, heard: &Heard<'_>) -> Result<Results, AnalysisError> {
                Ok(Results {
                    transcription: heard.transcript.clone(),
                    $($member: self.$member.as_ref().map(|plan| plan.analyze(heard)).transpose()?,)+
                })
            }
        }

        /// What is told of a recording: a member for each analyzer that the endpoint names.
        #[derive(Debug, Serialize, JsonSchema)]
        pub struct Results {
            /// What was said, where the endpoint has it transcribed; redacted where it has it redacted.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub transcription: Option<Transcript>,
            $($(#[$document])* #[serde(skip_serializing_if = "Option::is_none")] pub $member: Option<<$plan as Analyzer>::Report>,)+
        }

        /// Everything that may be emptied before the transcript is cut.
        pub(super) fn optional_lists() -> Vec<OptionalList> {
            let mut lists = Vec::new();
            $(lists.extend(<$plan as Analyzer>::LISTS.iter().map(|list| (stringify!($member), *list)));)+
            lists
        }
    };
}

analyzers! {
    /// Loudness, speech and silence; who talks how much, and over whom.
    acoustics: AcousticsPlan,
    /// The keys that were pressed.
    dtmf: DtmfPlan,
    /// What the speakers want.
    intent: IntentPlan,
    /// How many of what were taken out of the transcript and the keys, and where.
    redaction: RedactionPlan,
    /// How positive or negative the words are.
    sentiment: SentimentPlan,
}

impl AnalysisPlan {
    /// Whether what was said may be kept, logged and sent only after redaction: then no piece of a transcript is stored
    /// while it is made.
    #[must_use]
    pub fn redacts(&self) -> bool {
        self.redaction.is_some()
    }
}
