//! Every suite that needs more than one crate. `local` needs this machine alone; `cluster` runs inside a cluster of
//! `tests/cluster` (or the one of KUBECONFIG) and fails where there is none; `bare` runs in it before anything is
//! added, and `afterwards` judges what `cluster` left behind. `quiet` is for a longer lane, with the machine to itself.

mod afterwards;
mod bare;
mod cluster;
mod local;
mod quiet;
