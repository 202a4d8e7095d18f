//! The harness of the suites: the parts that stand around the product in a test.

pub mod bad_resources;
