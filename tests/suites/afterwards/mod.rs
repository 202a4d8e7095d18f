//! What can only be said when every suite of the cluster has run: run last, in the same cluster.

mod rights;
