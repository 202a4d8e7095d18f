//! The body of a request as it comes in: piece by piece, counted, and within the time that a sender may take. Called by
//! `body` and `multipart`; everything that they read passes here.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::body::ReceiveBody;
use super::room::Place;
use crate::limits::BodyLimits;

/// A body that is being read.
pub struct Inflow<'a> {
    body: &'a mut Body,
    limits: &'a BodyLimits,
    place: &'a Place,
    /// Only the time that the sender made us wait: what our own disk takes is not its fault.
    waited: Duration,
    bytes: u64,
}

impl<'a> Inflow<'a> {
    /// Reads this body within these limits, as long as it has its place.
    pub fn new(body: &'a mut Body, limits: &'a BodyLimits, place: &'a Place) -> Self {
        Self {
            body,
            limits,
            place,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// What the body is held to.
    pub fn limits(&self) -> &BodyLimits {
        self.limits
    }

    /// The next piece.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, ReceiveBody> {
        loop {
            let patience = patience(self.limits, self.waited, self.bytes);
            let began = Instant::now();
            let frame = tokio::select! {
                frame = timeout(patience, self.body.frame()) => frame,
                () = self.place.displaced() => return Err(ReceiveBody::KeepPlace),
            };
            self.waited += began.elapsed();
            match frame {
                Err(_) if patience < self.limits.silence => return Err(ReceiveBody::KeepPace),
                Err(_) => return Err(ReceiveBody::WaitForMore),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(ReceiveBody::KeepConnection),
                Ok(Some(Ok(frame))) => {
                    // Trailers are signed by nobody and mean nothing here.
                    if let Ok(data) = frame.into_data() {
                        self.bytes += data.len() as u64;
                        self.place.received(data.len());
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// A form or JSON.
    pub async fn whole(&mut self) -> Result<Bytes, ReceiveBody> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if whole.len() + piece.len() > self.limits.whole_bytes {
                return Err(ReceiveBody::FitLimit);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// Whether these encoded pairs are few enough to be taken apart.
    pub fn count_parameters(&self, encoded: &[u8]) -> Result<(), ReceiveBody> {
        let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if pairs.count() > self.limits.parameters {
            return Err(ReceiveBody::CountParameters);
        }
        Ok(())
    }
}

/// How long to wait for the next piece: as long as a sender may be silent, but no longer than what has come earns it.
fn patience(limits: &BodyLimits, waited: Duration, bytes: u64) -> Duration {
    let Some(seconds) = bytes.checked_div(u64::from(limits.bytes_per_second)) else {
        return limits.silence;
    };
    let earned = limits.silence.saturating_add(Duration::from_secs(seconds));
    earned.saturating_sub(waited).min(limits.silence)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::patience;
    use crate::limits::BodyLimits;

    #[test]
    fn waits_as_long_as_what_has_come_earns() {
        let limits = BodyLimits {
            whole_bytes: 1000,
            parameters: 10,
            parts: 10,
            text_part_bytes: 100,
            silence: Duration::from_secs(30),
            bytes_per_second: 1000,
        };
        let any_speed = BodyLimits {
            bytes_per_second: 0,
            ..limits
        };
        for (limits, waited, bytes, expected) in [
            (&limits, 0, 0, 30),
            (&limits, 29, 29, 1),
            (&limits, 30, 30, 0),
            (&limits, 30, 10_000, 10),
            (&limits, 30, 1_000_000, 30),
            (&limits, 1030, 1_000_000, 0),
            (&any_speed, 1_000_000, 1, 30),
        ] {
            let left = patience(limits, Duration::from_secs(waited), bytes);
            assert_eq!(left.as_secs(), expected, "{bytes} bytes in {waited} s");
        }
    }
}
