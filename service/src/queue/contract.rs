//! What every queue must do, whatever database is under it. A database's own tests name each of these once, with a
//! [`Bench`] that opens it; `every_queue!` does so.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marketplace_crds::endpoint::IntegrationKey;

use super::jobs::Jobs;
use super::{Delivery, DeliveryRecord, Enqueued, Lease, Outcome, Queue, ResultBody, Room, WorkRecord};
use crate::domain::{
    AddonKey, AudioFormat, AudioUrl, CallbackUrl, Deadlines, EndpointName, Job, NewJob, RawFormat, RawSamples,
    RemoteAudio, RequestDetails, RequestKey, RequestSid, SpoolKey, StoredAudio, TwilioSids,
};

pub(super) mod actions;
pub(super) mod crashes;
pub(super) mod deliveries;
pub(super) mod fences;
pub(super) mod fetches;
pub(super) mod jobs;
pub(super) mod keeping;
pub(super) mod leases;
pub(super) mod load;
pub(super) mod pieces;
pub(super) mod repeats;
pub(super) mod room;

pub(super) type Tested = Result<(), Box<dyn Error>>;

/// As long as no test runs.
pub(super) const LONG: Duration = Duration::from_hours(1);
/// Over as soon as it is given: the next claim finds the job free. So no test waits for a lease to end.
pub(super) const NONE: Duration = Duration::ZERO;

/// Opens queues over one and the same database, as processes that follow one another or run together would.
#[async_trait]
pub(super) trait Bench: Send + Sync {
    async fn open(&self, addon: &AddonKey, lease: Duration) -> Result<Arc<dyn Jobs>, Box<dyn Error>> {
        self.open_bounded(addon, lease, Room::UNBOUNDED).await
    }

    async fn open_bounded(
        &self,
        addon: &AddonKey,
        lease: Duration,
        room: Room,
    ) -> Result<Arc<dyn Jobs>, Box<dyn Error>>;
}

macro_rules! every_queue {
    ($bench:expr) => {
        $crate::queue::contract::every_queue!(@in leases, $bench =>
            claims_the_earliest_deadline_first, claims_no_more_than_asked, a_lease_keeps_its_job_from_others,
            an_ended_lease_frees_its_job_and_counts_the_attempt, a_stale_lease_changes_nothing,
            a_released_job_counts_no_attempt, a_failed_attempt_counts_and_waits, a_postponed_job_counts_no_attempt_and_waits, a_leased_job_is_as_it_was_accepted,
            concurrent_claims_share_no_job, an_arrival_wakes_the_worker);
        $crate::queue::contract::every_queue!(@in repeats, $bench =>
            a_repeat_of_a_waiting_job_takes_its_place, a_repeat_of_a_running_job_only_redirects_its_callback,
            a_repeat_of_an_unconfirmed_result_delivers_it_again, a_repeat_while_it_is_being_sent_adds_nothing,
            a_repeat_with_another_callback_takes_the_delivery_over, a_repeat_of_a_confirmed_result_does_nothing,
            a_confirmed_result_goes_out_again_to_another_callback, a_rejected_or_expired_result_goes_out_again,
            other_signed_fields_under_a_known_key_are_another_request, concurrent_repeats_make_one_job,
            endpoints_do_not_share_keys);
        $crate::queue::contract::every_queue!(@in deliveries, $bench =>
            a_result_is_never_without_its_callback, a_large_result_is_named_by_its_key,
            a_delivery_that_may_pass_waits_and_counts, a_stale_delivery_changes_nothing,
            a_released_delivery_counts_no_attempt, a_late_result_still_has_its_minutes);
        $crate::queue::contract::every_queue!(@in fetches, $bench =>
            a_remote_job_is_fetched_before_it_is_worked_on, what_was_fetched_has_its_own_deadlines_and_no_url,
            a_fetch_that_may_pass_waits_and_counts, a_fetch_that_is_given_up_is_delivered, a_stale_fetch_changes_nothing,
            an_ended_fetch_lease_frees_its_job, a_repeat_of_a_waiting_fetch_brings_its_own_urls,
            a_repeat_of_a_running_fetch_from_there_only_redirects_its_callback,
            a_repeat_of_a_fetched_job_keeps_its_audio, a_fetch_that_died_is_recovered, a_remote_job_is_gauged_as_fetching);
        $crate::queue::contract::every_queue!(@in crashes, $bench =>
            an_accepted_job_survives, a_job_in_work_is_tried_again, a_finished_job_is_delivered,
            a_delivery_in_flight_is_sent_again, a_confirmed_job_is_known);
        $crate::queue::contract::every_queue!(@in keeping, $bench =>
            two_addons_never_cross, gauges_count_by_state, audio_goes_when_its_callback_has_ended,
            audio_goes_after_the_cut_off, a_forgotten_request_would_be_new, rows_go_last, unfinished_work_is_never_retired,
            only_files_without_a_row_are_unknown);
        $crate::queue::contract::every_queue!(@in jobs, $bench =>
            jobs_are_listed_by_every_filter, pages_follow_one_another);
        $crate::queue::contract::every_queue!(@in actions, $bench =>
            a_rejected_result_is_replayed, work_is_done_again_from_the_audio, a_discarded_job_is_nobodys_and_does_not_come_back,
            a_forced_discard_voids_the_lease, a_purged_job_is_gone_and_names_its_files,
            every_change_leaves_a_row_of_the_audit, jobs_of_others_are_out_of_reach);
        $crate::queue::contract::every_queue!(@in pieces, $bench =>
            a_moved_job_finds_what_was_finished, who_has_lost_the_lease_keeps_nothing,
            pieces_go_with_the_end_of_their_job);
        $crate::queue::contract::every_queue!(@in fences, $bench =>
            a_fence_holds_what_is_unfinished_and_voids_its_leases, a_held_job_goes_on_when_it_is_replayed,
            a_held_job_goes_on_when_twilio_asks_again, a_fence_leaves_younger_and_finished_jobs_alone,
            a_fence_is_known_by_its_time, audio_is_not_fetched_for_a_held_job);
        $crate::queue::contract::every_queue!(@in load, $bench =>
            waiting_work_is_collected_by_deadline, work_in_progress_stands_alone_with_what_is_done,
            an_overdue_job_is_planned_against_its_next_deadline, what_nobody_may_work_on_is_no_load,
            the_pace_is_that_of_results, a_long_queue_is_a_short_answer);
        $crate::queue::contract::every_queue!(@in room, $bench =>
            a_full_queue_takes_nothing_new, one_installation_does_not_fill_the_queue,
            a_known_request_is_never_refused_for_room, held_jobs_take_no_room, a_flood_leaves_workers_for_others,
            no_more_than_may_run_are_claimed_at_once);
    };
    (@in $part:ident, $bench:expr => $($name:ident),+) => {
        $(#[tokio::test]
        async fn $name() -> $crate::queue::contract::Tested {
            $crate::queue::contract::$part::$name(&$bench).await
        })+
    };
}
pub(super) use every_queue;

pub(super) fn addon() -> AddonKey {
    AddonKey::new("addons", "call-insights")
}

/// A job by the SID of its request; every other member has a value of its own.
pub(crate) fn job(sid: &str) -> Result<NewJob, Box<dyn Error>> {
    Ok(NewJob {
        endpoint: EndpointName::new("recordings"),
        request: RequestKey::from_sid(&RequestSid::parse(sid)?),
        sids: TwilioSids {
            request: Some(sid.to_owned()),
            addon: Some("XB1".to_owned()),
            ..TwilioSids::default()
        },
        details: RequestDetails {
            integration_key: Some(IntegrationKey::RecordingDial),
            configuration: [("language".to_owned(), "de".to_owned())].into(),
        },
        callback: CallbackUrl::parse("https://api.twilio.com/first")?,
        audio: StoredAudio {
            key: SpoolKey::random(),
            bytes: 117_868,
            sha256_hex: "ab".repeat(32),
        },
        format: AudioFormat {
            channels: 2,
            sample_rate_hertz: 8_000,
            bits_per_sample: 16,
            seconds: 3.68,
        },
        remote: None,
        fields_digest: "digest".to_owned(),
        deadlines: Deadlines {
            median_seconds: 30.0,
            p99_seconds: 31.0,
            cutoff_seconds: 37.0,
        },
    })
}

/// The same with audio that is still to be fetched.
pub(super) fn remote(sid: &str, url: &str) -> Result<NewJob, Box<dyn Error>> {
    Ok(NewJob {
        audio: StoredAudio::awaited(),
        format: AudioFormat::UNKNOWN,
        remote: Some(RemoteAudio {
            url: AudioUrl::parse(url)?,
            bytes: Some(117_868),
            raw: Some(RawFormat {
                samples: RawSamples::LittleEndian(2),
                channels: 2,
                sample_rate_hertz: 8_000,
            }),
        }),
        ..job(sid)?
    })
}

pub(super) fn elsewhere(mut job: NewJob) -> Result<NewJob, Box<dyn Error>> {
    job.callback = CallbackUrl::parse("https://api.twilio.com/second")?;
    Ok(job)
}

/// The same request once more: its audio has been uploaded again.
pub(super) fn again(job: &NewJob) -> NewJob {
    let audio = StoredAudio {
        key: SpoolKey::random(),
        ..job.audio.clone()
    };
    NewJob { audio, ..job.clone() }
}

pub(super) fn done(json: &str) -> WorkRecord {
    WorkRecord::Done(Outcome {
        body: ResultBody::Inline(json.to_owned()),
        error_code: None,
    })
}

/// A delivery that failed and may pass yet.
pub(super) fn busy(after_seconds: f64) -> DeliveryRecord {
    DeliveryRecord::Retry {
        reason: "busy",
        after_seconds,
    }
}

/// The only job there is to claim.
pub(super) async fn claim_one(queue: &dyn Queue) -> Result<Lease<Job>, Box<dyn Error>> {
    let mut leases = queue.claim(10).await?;
    match (leases.pop(), leases.is_empty()) {
        (Some(lease), true) => Ok(lease),
        (last, _) => Err(format!("want one job, got {}", leases.len() + usize::from(last.is_some())).into()),
    }
}

/// The only result there is to deliver.
pub(super) async fn claim_delivery(queue: &dyn Queue) -> Result<Lease<Delivery>, Box<dyn Error>> {
    let mut leases = queue.claim_deliveries(10).await?;
    match (leases.pop(), leases.is_empty()) {
        (Some(lease), true) => Ok(lease),
        (last, _) => Err(format!("want one result, got {}", leases.len() + usize::from(last.is_some())).into()),
    }
}

pub(super) async fn nothing_to_do(queue: &dyn Queue) -> Result<bool, Box<dyn Error>> {
    Ok(queue.claim(10).await?.is_empty() && queue.claim_deliveries(10).await?.is_empty())
}

/// Accepts a job and finishes its work; its result waits for delivery.
pub(super) async fn finished(queue: &dyn Queue, job: &NewJob) -> Tested {
    assert_eq!(queue.enqueue(job.clone()).await?, Enqueued::Accepted);
    let lease = claim_one(queue).await?;
    queue.finish(lease, done(r#"{"results":1}"#)).await?;
    Ok(())
}
