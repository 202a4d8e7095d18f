//! libFuzzer's way into one target, named by `FUZZ_TARGET`: one program for all, because each would link the whole service.

#![no_main]

use std::sync::LazyLock;

use marketplace_service::fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    found.map(|(_, target)| *target).expect("FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
