//! `transcribe`: what the built-in engine hears in a file, without an add-on around it: for who wants to know how well it
//! understands their own recordings.

use std::path::PathBuf;

use super::run::engines;
use super::{CommandError, ModelOptions};
use crate::analysis::Halt;
use crate::speech::{EnginePlan, Engines, TranscriptionPlan};

/// Flags of `transcribe`.
#[derive(Debug, clap::Args)]
pub struct TranscribeOptions {
    #[command(flatten)]
    model: ModelOptions,

    /// The recording: WAV or mp3, each channel a speaker.
    audio: PathBuf,
}

pub(super) async fn transcribe(options: TranscribeOptions) -> Result<(), CommandError> {
    let engines = Engines {
        builtin: Some(engines::load(&options.model, 1)?),
        ..Engines::default()
    };
    let plan = TranscriptionPlan {
        engine: EnginePlan::Builtin,
        keep_pieces: false,
    };
    let heard = engines.transcribe(&plan, (&options.audio, &Halt::never()), None).await;
    let transcript = heard.map_err(CommandError::work)?;
    let json = serde_json::to_string_pretty(&transcript).map_err(CommandError::work)?;
    println!("{json}");
    Ok(())
}
