//! The suites that only a real Kubernetes can decide. Each has a namespace of its own.

mod carried;
mod children;
mod conditions;
mod earlier;
mod egress;
mod exposures;
mod jobs;
mod monitoring;
mod operator;
mod outage;
mod partner;
mod profiles;
mod replicas;
mod requests;
mod rest;
mod rotation;
mod rules;
mod s3;
mod sla;
mod sources;
mod upgrade;
mod volume;
mod waiting;
mod watched;
mod withdrawn;
mod workload;
