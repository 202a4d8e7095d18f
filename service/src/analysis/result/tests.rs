//! What is left out of a result that is too large, and that every result keeps the published form.

use std::error::Error;

use super::*;
use crate::analysis::transcript::{Segment, Transcript};
use crate::analysis::{AnalysisPlan, Halt, Material, analyze};
use crate::domain::{Job, JobId};
use crate::queue::contract;

type Tested = Result<(), Box<dyn Error>>;

fn job() -> Job {
    Job {
        id: JobId::random(),
        attempt: 1,
        work: contract::job("MR1").expect("its SID is short"),
    }
}

/// The published schema, but that a member which it does not name is an error.
fn strict() -> Result<jsonschema::Validator, Box<dyn Error>> {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    members.insert("unevaluatedProperties".to_owned(), json!(false));
                }
                members.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = schema().to_value();
    close(&mut schema);
    Ok(jsonschema::validator_for(&schema)?)
}

fn results(segments: u32) -> Result<Value, Box<dyn Error>> {
    let segment = |place: u32| Segment {
        channel: 1,
        start_seconds: place.into(),
        end_seconds: f64::from(place) + 1.0,
        text: "I want to cancel my great subscription, 4111 1111 1111 1111.".to_owned(),
        confidence: Some(0.5),
    };
    let analysis = serde_json::from_value(json!({
        "acoustics": {}, "dtmf": {}, "redaction": {}, "sentiment": {},
        "intent": {"intents": [{"name": "cancel", "phrases": ["cancel my subscription"]}]},
    }))?;
    let file = crate::analysis::tests::wav(8_000, &[vec![0.0; 8_000]])?;
    let material = Material {
        audio: file.path(),
        transcript: Some(Transcript {
            segments: (0..segments).map(segment).collect(),
            ..Transcript::default()
        }),
    };
    Ok(analyze(material, &AnalysisPlan::read(&analysis)?, &Halt::never())?)
}

#[test]
fn every_result_keeps_the_published_form() -> Tested {
    let (schema, results) = (strict()?, results(3)?);
    let mut told = vec![result_json(&job(), Ok(&results))];
    for code in [
        JobErrorCode::UnreadableAudio,
        JobErrorCode::AudioUnreachable,
        JobErrorCode::AudioIncomplete,
        JobErrorCode::AudioTooLarge,
        JobErrorCode::TimedOut,
        JobErrorCode::HandlerFailed,
        JobErrorCode::ResultTooLarge,
        JobErrorCode::InternalError,
    ] {
        told.push(result_json(&job(), Err(code)));
    }
    for limit in [1_024, 3_000, 4_000, 6_000] {
        told.push(fitting(&job(), Ok(results.clone()), limit).0);
    }
    for json in told {
        let errors: Vec<String> = schema
            .iter_errors(&serde_json::from_str(&json)?)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?} in {json}");
    }
    Ok(())
}

#[test]
fn what_is_not_of_the_form_is_refused() -> Tested {
    let schema = strict()?;
    let whole: Value = serde_json::from_str(&result_json(&job(), Ok(&results(1)?)))?;
    for (pointer, value) in [
        ("/schema_version", json!(2)),
        ("/error_code", json!("no_such_word")),
        ("/results/acoustics/channels", json!("two")),
        ("/results/transcription/segments/0/else", json!(1)),
        ("/results/sentiment/overall/else", json!(1)),
        ("/else", json!(1)),
    ] {
        let mut changed = whole.clone();
        let (parent, name) = pointer.rsplit_once('/').ok_or("a pointer")?;
        let parent = changed
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .ok_or("it is there")?;
        parent.insert(name.to_owned(), value);
        assert!(!schema.is_valid(&changed), "{pointer}");
    }
    Ok(())
}

#[test]
fn segments_go_last_and_the_result_says_so() -> Tested {
    let results = results(200)?;
    let whole = result_json(&job(), Ok(&results)).len();
    let told = |limit: usize| -> Result<Value, Box<dyn Error>> {
        let (json, error) = fitting(&job(), Ok(results.clone()), limit);
        assert!(json.len() <= limit, "{} of {limit} bytes", json.len());
        assert_eq!(error, None);
        Ok(serde_json::from_str(&json)?)
    };
    let segments = |told: &Value| told["results"]["transcription"]["segments"].as_array().map(Vec::len);

    let kept = told(whole)?;
    assert_eq!((&kept["truncated"], segments(&kept)), (&Value::Null, Some(200)));
    let little_less = told(whole - 1)?;
    assert_eq!(little_less["truncated"]["emptied"], json!(["redaction.spans"]));
    assert_eq!(segments(&little_less), Some(200));
    let few = told(8_000)?;
    let (left, dropped) = (segments(&few).ok_or("a list")?, &few["truncated"]["segments_dropped"]);
    assert!((1..200).contains(&left), "{left}");
    assert_eq!(dropped, &json!(200 - left));
    assert_eq!(
        few["truncated"]["emptied"],
        json!(["redaction.spans", "sentiment.segments", "sentiment.timeline"]),
    );
    assert_eq!(few["results"]["redaction"]["counts"]["CardNumber"], 200);
    Ok(())
}

#[test]
fn what_cannot_be_made_to_fit_is_an_error() -> Tested {
    let (json, error) = fitting(&job(), Ok(results(3)?), 300);
    assert_eq!(error, Some(JobErrorCode::ResultTooLarge));
    assert!(json.contains("result_too_large"), "{json}");
    assert_eq!(
        fitting(&job(), Err(JobErrorCode::TimedOut), 300).1,
        Some(JobErrorCode::TimedOut)
    );
    Ok(())
}
