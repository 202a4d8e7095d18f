//! The suites that only a real Kubernetes can decide. Each has a namespace of its own.

mod children;
mod conditions;
mod jobs;
mod operator;
mod requests;
mod rules;
mod scaling;
mod sources;
mod volume;
