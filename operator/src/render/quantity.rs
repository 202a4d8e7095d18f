//! Bytes as the API server writes them: what is applied in other words would look like a change each time it is read.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const SUFFIXES: [&str; 4] = ["Mi", "Gi", "Ti", "Pi"];
const MEBIBYTE: i64 = 1 << 20;

/// At least so many bytes, in whole mebibytes.
pub(super) fn of_bytes(bytes: i64) -> Quantity {
    let mut number = bytes / MEBIBYTE + i64::from(bytes % MEBIBYTE > 0);
    let mut suffix = 0;
    while number > 0 && number % 1024 == 0 && suffix + 1 < SUFFIXES.len() {
        number /= 1024;
        suffix += 1;
    }
    Quantity(format!("{number}{}", SUFFIXES[suffix]))
}

#[cfg(test)]
mod tests {
    use super::of_bytes;

    #[test]
    fn the_largest_suffix_that_leaves_a_whole_number() {
        for (bytes, shown) in [
            (1, "1Mi"),
            (MEBI, "1Mi"),
            (MEBI + 1, "2Mi"),
            (1023 * MEBI, "1023Mi"),
            (1024 * MEBI, "1Gi"),
            (5 * 1024 * MEBI, "5Gi"),
            (1025 * MEBI, "1025Mi"),
            (1024 * 1024 * MEBI, "1Ti"),
        ] {
            assert_eq!(of_bytes(bytes).0, shown, "{bytes}");
        }
    }

    const MEBI: i64 = 1024 * 1024;
}
