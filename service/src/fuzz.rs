//! One function for each place where strangers' bytes are taken apart. `make soak` drives them with bytes that nobody has
//! thought of (`fuzz/`), and the tests below replay the kept ones; each asserts what must hold whatever comes.

use std::cell::RefCell;
use std::path::PathBuf;
use std::str;
use std::sync::{Arc, LazyLock};

use axum::body::{Body, Bytes};
use futures::stream;
use jiff::Timestamp;
use marketplace_crds::manifest;
use secrecy::SecretString;
use tokio::runtime;

use crate::admission::{AudioPart, Known, SignedRequest, admit, method_of};
use crate::analysis::audio::Audio;
use crate::config::Config;
use crate::limits::Limits;
use crate::request::{self, ConstantSecrets, Sent, SentBody};
use crate::server::fuzzed_multipart;
use crate::signature::{self, Candidates, ClaimedSignature, Coverage, Covered, EndpointUrl, SignaturePlan, covering};

/// Audio longer than this is not read to its end: the first blocks say enough.
const BLOCKS_LIMIT: usize = 64;
const BLOCK_FRAMES: usize = 800;

/// Takes bytes apart, and asserts.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder below `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 5] = [
    ("signature", signature),
    ("mapping", mapping),
    ("audio", audio),
    ("resource", resource),
    ("multipart", multipart),
];

/// Lines of a public URL, a path, a query and a signature header, and then a form. No candidate panics; what we sign
/// ourselves is verified, and is not when a token is another.
pub fn signature(data: &[u8]) {
    let mut lines = data.splitn(5, |byte| *byte == b'\n');
    let mut text = || str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (public_url, path, query, header) = (text(), text(), text(), text());
    let form = request::pairs(lines.next().unwrap_or_default());
    let query = (!query.is_empty()).then_some(query);
    let claimed = ClaimedSignature::read([header.as_bytes()].into_iter());
    let Ok(url) = EndpointUrl::new(public_url, path) else {
        return;
    };
    let (token, other) = (SecretString::from("token"), SecretString::from("other"));
    let urls = Candidates::of_endpoint(&url, query, &SignaturePlan::default().spellings);
    let coverings = covering::accepted(Coverage::Strict, query, Covered::Parameters(&form));
    let coverings = coverings.expect("a form needs no hash");
    if let Ok(claimed) = claimed {
        let _ = signature::verify(std::slice::from_ref(&token), &urls, &coverings, claimed);
    }
    let signed = signature::sign(&token, &url.text(url.written_form(), query), &form);
    let own = ClaimedSignature::read([signed.as_bytes()].into_iter()).expect("we wrote it");
    let by_token = signature::verify(&[other.clone(), token], &urls, &coverings, own);
    assert!(by_token.is_ok(), "what we sign is verified");
    let by_other = signature::verify(&[other], &urls, &coverings, own);
    assert!(by_other.is_err(), "what another signs is not");
}

/// A query, a form or a JSON body, admitted by each endpoint of an add-on.
pub fn mapping(data: &[u8]) {
    // Made once: reading it takes far longer than what is to be tried.
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let addon = manifest::read(include_str!("../../crds/fixtures/call-insights.yaml"));
        Config::from_addon(&addon.expect("the fixture is good")).expect("the fixture is good")
    });
    let config = &*CONFIG;
    let bodies = [
        SentBody::Nothing,
        SentBody::Parameters(request::pairs(data)),
        SentBody::Bytes(Bytes::copy_from_slice(data)),
    ];
    for (endpoint, body) in config
        .endpoints
        .iter()
        .flat_map(|endpoint| bodies.iter().map(move |body| (endpoint, body)))
    {
        let request = SignedRequest {
            method: method_of(endpoint.encoding),
            encoding: Some(endpoint.encoding),
            sent: Sent {
                query: request::pairs(data),
                body: body.clone(),
                headers: Vec::new(),
            },
            audio: AudioPart::Received,
            sids: Arc::default(),
        };
        let known = Known {
            config,
            constants: &ConstantSecrets::default(),
            now: Timestamp::UNIX_EPOCH,
        };
        let _ = admit(&known, Some(endpoint), &request);
    }
}

/// A recording: measured and read. No more samples come out than the most
/// compressed of formats has in so many bytes.
pub fn audio(data: &[u8]) {
    thread_local! {
        static FILE: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    }
    let path = FILE.with_borrow_mut(|path| path.get_or_insert_with(scratch).clone());
    if std::fs::write(&path, data).is_err() {
        return;
    }
    let opened = Audio::open(&path);
    // Open files need no name; nothing is to be left behind, whatever is asserted below.
    let _ = std::fs::remove_file(&path);
    let Ok(mut audio) = opened else {
        return;
    };
    let format = audio.format();
    assert!(format.seconds.is_finite() && format.seconds >= 0.0);
    let (mut block, mut samples) = (Vec::new(), 0);
    for _ in 0..BLOCKS_LIMIT {
        if audio.read_block(BLOCK_FRAMES, &mut block).is_err() || block.is_empty() {
            break;
        }
        samples += block.len();
        assert!(block.len() <= BLOCK_FRAMES * usize::from(format.channels));
    }
    // An mp3 frame of 24 bytes may hold 1152 samples of two channels.
    assert!(samples <= 4096 + data.len() * 128, "{samples} of {} bytes", data.len());
}

fn scratch() -> PathBuf {
    let name = format!(
        "marketplace-fuzz-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    std::env::temp_dir().join(name)
}

/// A resource file. What is read keeps its own rules, and reads back as it was written.
pub fn resource(data: &[u8]) {
    let Ok(addon) = str::from_utf8(data)
        .map_err(drop)
        .and_then(|text| manifest::read(text).map_err(drop))
    else {
        return;
    };
    let config = Config::from_addon(&addon);
    let reduced = Config::from_addon(&marketplace_crds::reduce(&addon));
    assert_eq!(config.is_ok(), reduced.is_ok());
    if let (Ok(config), Ok(reduced)) = (config, reduced) {
        assert!(config == reduced, "the service needs nothing but the reduced resource");
    }
}

/// A multipart body in pieces of any size. The first byte says which.
pub fn multipart(data: &[u8]) {
    thread_local! {
        static RUNTIME: RefCell<Option<runtime::Runtime>> = const { RefCell::new(None) };
    }
    let Some((&first, body)) = data.split_first() else {
        return;
    };
    let pieces: Vec<_> = body
        .chunks(1 + usize::from(first))
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    let limits = Limits::new(&marketplace_crds::limits::Limits::default()).body;
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| {
            let built = runtime::Builder::new_current_thread().enable_time().build();
            built.expect("a runtime without input and output needs nothing of the system")
        });
        let read = runtime.block_on(fuzzed_multipart(Body::from_stream(stream::iter(pieces)), &limits));
        let text_bytes: usize = read.iter().map(|(name, value)| name.len() + value.len()).sum();
        // A byte that is no UTF-8 becomes three.
        assert!(text_bytes <= body.len() * 3, "more text than was sent");
    });
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::path::Path;

    use super::TARGETS;

    #[test]
    fn every_kept_input_is_taken_apart_without_harm() -> Result<(), Box<dyn Error>> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in TARGETS {
            let mut inputs = 0;
            for entry in corpus.join(name).read_dir()? {
                target(&std::fs::read(entry?.path())?);
                inputs += 1;
            }
            assert!(inputs >= 5, "{name} has {inputs} inputs");
        }
        Ok(())
    }
}
