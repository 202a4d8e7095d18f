//! What can only be judged on a machine that has nothing else to do: that nobody notices is no finding where everybody waits
//! for a processor. Run by `make soak`, one after another.

mod burst;
mod steady;
