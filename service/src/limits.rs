//! The bounds of what strangers may send and of what is kept, as the resource has them, in the units that the code counts
//! in. Made by `config`; every part takes the few that it holds others to.

pub mod usage;

use std::time::Duration;

use marketplace_crds::per_install::PerInstall;
use marketplace_crds::{limits, retention};

use crate::queue::{Retention, Room};
use crate::spool;

/// Every limit of one process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Of a request's head and its connection.
    pub connection: ConnectionLimits,
    /// Of a request's body.
    pub body: BodyLimits,
    /// Requests that are read and answered at one time.
    pub requests: usize,
    /// Of the audio on the disk.
    pub spool: spool::Limits,
    /// Jobs that wait or are worked on, in all and of one installation.
    pub room: Room,
    /// From the head of a request to its answer.
    pub answer: Duration,
    /// The largest result that is sent.
    pub result_bytes: usize,
}

/// What a connection may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at one time.
    pub connections: usize,
    /// From the first byte of a connection, or the end of the last request, to the end of a head.
    pub head: Duration,
    /// The largest head, and the read buffer.
    pub head_bytes: usize,
    /// Headers of one request.
    pub headers: usize,
}

/// What a body may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// A form or JSON.
    pub whole_bytes: usize,
    /// Parameters of a query, a form or a multipart body.
    pub parameters: usize,
    /// Parts of a multipart body.
    pub parts: usize,
    /// A text part.
    pub text_part_bytes: usize,
    /// How long a sender may be silent.
    pub silence: Duration,
    /// How much must come in a second on the average; 0 for any speed.
    pub bytes_per_second: u32,
}

impl Limits {
    /// Takes over what the resource says; its own rules bound every figure.
    #[must_use]
    pub fn new(limits: &limits::Limits) -> Self {
        let limits::Limits {
            body_bytes,
            parameters,
            parts,
            text_part_bytes,
            headers,
            head_bytes,
            head_seconds,
            body_silence_seconds,
            body_bytes_per_second,
            connections,
            requests,
            audio_bytes,
            quarantine_bytes,
            quarantine_files,
            spool_bytes,
            unfinished_jobs,
            per_install,
            answer_seconds,
            result_bytes,
        } = limits;
        Self {
            connection: ConnectionLimits {
                connections: count(*connections),
                head: seconds(*head_seconds),
                head_bytes: count(*head_bytes),
                headers: count(*headers),
            },
            body: BodyLimits {
                whole_bytes: count(*body_bytes),
                parameters: count(*parameters),
                parts: count(*parts),
                text_part_bytes: count(*text_part_bytes),
                silence: seconds(*body_silence_seconds),
                bytes_per_second: body_bytes_per_second.unsigned_abs(),
            },
            requests: count(*requests),
            spool: spool::Limits {
                max_file_bytes: audio_bytes.unsigned_abs(),
                quarantine_bytes: quarantine_bytes.unsigned_abs(),
                quarantine_files: count(*quarantine_files),
                // Without a budget there is still the disk's own end.
                spool_bytes: spool_bytes.map_or(u64::MAX, i64::unsigned_abs),
            },
            room: room(*unfinished_jobs, *per_install),
            answer: seconds(*answer_seconds),
            result_bytes: count(*result_bytes),
        }
    }
}

/// Unless the resource says otherwise one installation has half of the queue.
fn room(unfinished_jobs: i32, per_install: PerInstall) -> Room {
    let PerInstall {
        unfinished_jobs: of_install,
        running_jobs,
    } = per_install;
    let unfinished = u64::from(unfinished_jobs.unsigned_abs());
    Room {
        unfinished,
        install_unfinished: of_install.map_or(unfinished.div_ceil(2), |jobs| jobs.unsigned_abs().into()),
        install_running: running_jobs.map(|jobs| jobs.unsigned_abs().into()),
    }
}

/// The spans of the resource in the queue's unit.
#[must_use]
pub fn retention(retention: &retention::Retention) -> Retention {
    let retention::Retention {
        result_hours,
        metadata_days,
    } = retention;
    Retention {
        result_seconds: f64::from(*result_hours) * 3600.0,
        row_seconds: f64::from(*metadata_days) * 24.0 * 3600.0,
    }
}

fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(seconds.unsigned_abs().into())
}

/// A figure that the resource's own rules keep above zero, and small enough for any machine.
fn count(figure: impl TryInto<usize>) -> usize {
    figure.try_into().unwrap_or(usize::MAX)
}
