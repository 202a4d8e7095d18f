//! What can only be said while nothing was added to the cluster, neither metrics nor KEDA: run first.

mod monitoring;
mod scaling;
