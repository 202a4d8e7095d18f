//! Something that must not show, in every form in which it might: plain, in base64, percent-encoded, in hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret of a test.
pub struct Canary {
    what: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    /// These bytes, of at least a word's length: shorter ones would be found by chance.
    pub fn new(what: &str, bytes: &[u8]) -> Self {
        assert!(bytes.len() >= 8, "{what} is too short to be told from noise");
        let mut forms = vec![bytes.to_vec()];
        forms.extend((0..3).flat_map(|before| in_base64(bytes, before)));
        forms.push(form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes());
        forms.extend([
            percent(bytes, |byte| format!("%{byte:02X}")),
            percent(bytes, |byte| format!("%{byte:02x}")),
        ]);
        forms.extend([hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()]);
        forms.push(bytes.escape_ascii().collect());
        // as a list of numbers, in which `Debug` writes bytes
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        forms.push(numbers.join(", ").into_bytes());
        Self {
            what: what.to_owned(),
            forms,
        }
    }

    /// It is nowhere in these bytes.
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        for form in &self.forms {
            let found = bytes.windows(form.len()).position(|window| window == form);
            if let Some(found) = found {
                let around = &bytes[found.saturating_sub(300)..bytes.len().min(found + form.len() + 100)];
                let around = String::from_utf8_lossy(around);
                let form = String::from_utf8_lossy(form);
                assert!(around.is_empty(), "{} shows in {place} as {form}: {around}", self.what);
            }
        }
    }
}

/// What stays the same of its base64 wherever it begins in a text: without the characters that its neighbours share.
fn in_base64(bytes: &[u8], before: usize) -> [Vec<u8>; 2] {
    let shifted = [vec![0; before], bytes.to_vec()].concat();
    let whole = shifted.len() / 3 * 3;
    let first = if before == 0 { 0 } else { 4 };
    [STANDARD, URL_SAFE].map(|engine| engine.encode(&shifted[..whole]).into_bytes()[first..].to_vec())
}

/// With everything encoded that need not stay as it is.
fn percent(bytes: &[u8], encode: impl Fn(u8) -> String) -> Vec<u8> {
    let one = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            char::from(*byte).to_string()
        } else {
            encode(*byte)
        }
    };
    bytes.iter().map(one).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::Canary;

    #[test]
    fn is_found_in_every_form_and_place() {
        let secret = "kestrel over/the weir";
        let canary = Canary::new("a secret", secret.as_bytes());
        for told in [
            format!("said {secret} aloud"),
            STANDARD.encode(format!("a:{secret}")),
            STANDARD.encode(format!("ab:{secret}!")),
            STANDARD.encode(format!("abc:{secret}!!")),
            "/x?m=kestrel+over%2Fthe+weir&y".to_owned(),
            "/x?m=kestrel%20over%2fthe%20weir&y".to_owned(),
            hex::encode(secret),
            format!("{:?}", secret.as_bytes()),
        ] {
            let found = catch_unwind(|| canary.assert_absent("a text", told.as_bytes()));
            assert!(found.is_err(), "not found in {told}");
        }
        canary.assert_absent("a text", b"kestrel over the weir");
    }
}
