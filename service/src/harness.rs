//! The servers of the tests crate, for the unit tests: a module may be taken in only once.

#[path = "../../tests/src/minio.rs"]
pub mod minio;
#[path = "../../tests/src/postgres.rs"]
pub mod postgres;
