//! The suites that need no cluster: each test has a service process of its own.
mod acoustics;
mod callback;
mod callback_faults;
mod cli;
mod crash;
mod discretion;
mod generated;
mod invoke;
mod latency;
mod limits;
mod power;
mod recording;
mod rules;
mod signature;
mod sms;
mod sql;
mod wire;
