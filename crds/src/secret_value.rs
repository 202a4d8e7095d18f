//! What the value of a key of a Secret must be to be taken: one line of text. The service holds what it reads against this,
//! and the operator what it is about to hand to the service, so that both refuse the same. Pure.

/// More than this is no token and no URL; what is mounted by mistake is not read whole.
pub const VALUE_LIMIT_BYTES: u64 = 16 * 1024;

/// The value, or what is wrong with it. One line end is what `echo` and editors leave behind; any other blank is a mistake,
/// except inside a URL's file name.
pub fn accept(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.len() as u64 > VALUE_LIMIT_BYTES {
        return Err("too long");
    }
    let text = str::from_utf8(bytes).map_err(|_| "not text")?;
    let text = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        return Err("empty");
    }
    if text.contains(char::is_control) {
        return Err("more than one line");
    }
    if text.trim() != text {
        return Err("surrounded by blanks");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::accept;

    #[test]
    fn accepts_one_line_of_text() {
        let cases: [(&[u8], Result<&str, &str>); 10] = [
            (b"token", Ok("token")),
            (b"token\n", Ok("token")),
            (b"token\r\n", Ok("token")),
            (b"sqlite:a file.db", Ok("sqlite:a file.db")),
            (b"", Err("empty")),
            (b"\n", Err("empty")),
            (b"token\n\n", Err("more than one line")),
            (b"two\nlines", Err("more than one line")),
            (b" token", Err("surrounded by blanks")),
            (b"\xff", Err("not text")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(accept(bytes), expected, "{bytes:?}");
        }
        assert_eq!(accept(&vec![b'a'; 20_000]), Err("too long"));
    }
}
