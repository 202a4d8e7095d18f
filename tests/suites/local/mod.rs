//! The suites that need no cluster.
mod rules;
