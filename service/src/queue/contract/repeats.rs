//! The same request again.

use super::{
    Bench, LONG, NONE, Tested, addon, again, busy, claim_delivery, claim_one, done, elsewhere, finished, job,
    nothing_to_do,
};
use crate::domain::{EndpointName, NewJob};
use crate::queue::{DeliveryRecord, Enqueued, QueueError};

pub(crate) async fn a_repeat_of_a_waiting_job_takes_its_place(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    queue.enqueue(first.clone()).await?;
    let second = elsewhere(again(&first))?;
    assert_eq!(
        queue.enqueue(second.clone()).await?,
        Enqueued::Duplicate {
            unneeded: first.audio.key
        }
    );
    let lease = claim_one(queue.as_ref()).await?;
    assert_eq!(lease.subject.work, second);
    Ok(())
}

pub(crate) async fn a_repeat_of_a_running_job_only_redirects_its_callback(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    queue.enqueue(first.clone()).await?;
    let lease = claim_one(queue.as_ref()).await?;
    let second = elsewhere(again(&first))?;
    let unneeded = second.audio.key.clone();
    assert_eq!(queue.enqueue(second.clone()).await?, Enqueued::Duplicate { unneeded });
    queue.finish(lease, done("{}")).await?;
    assert_eq!(claim_delivery(queue.as_ref()).await?.subject.callback, second.callback);
    Ok(())
}

pub(crate) async fn a_repeat_of_an_unconfirmed_result_delivers_it_again(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    finished(queue.as_ref(), &first).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    queue.record(lease, busy(1000.0)).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    let second = again(&first);
    let unneeded = second.audio.key.clone();
    assert_eq!(queue.enqueue(second).await?, Enqueued::Redeliver { unneeded });
    assert_eq!(
        claim_delivery(queue.as_ref()).await?.subject.attempt,
        1,
        "as if it were the first"
    );
    Ok(())
}

pub(crate) async fn a_repeat_while_it_is_being_sent_adds_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    finished(queue.as_ref(), &first).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    assert!(matches!(
        queue.enqueue(again(&first)).await?,
        Enqueued::Duplicate { .. }
    ));
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_repeat_with_another_callback_takes_the_delivery_over(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    finished(queue.as_ref(), &first).await?;
    let stale = claim_delivery(queue.as_ref()).await?;
    let second = elsewhere(again(&first))?;
    assert!(matches!(
        queue.enqueue(second.clone()).await?,
        Enqueued::Redeliver { .. }
    ));
    assert!(matches!(
        queue.record(stale, DeliveryRecord::Confirmed).await,
        Err(QueueError::LoseLease)
    ));
    let lease = claim_delivery(queue.as_ref()).await?;
    assert_eq!(lease.subject.callback, second.callback);
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    Ok(())
}

pub(crate) async fn a_repeat_of_a_confirmed_result_does_nothing(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    finished(queue.as_ref(), &first).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    let second = again(&first);
    let unneeded = second.audio.key.clone();
    assert_eq!(queue.enqueue(second).await?, Enqueued::Duplicate { unneeded });
    assert!(nothing_to_do(queue.as_ref()).await?);
    Ok(())
}

pub(crate) async fn a_confirmed_result_goes_out_again_to_another_callback(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    finished(queue.as_ref(), &first).await?;
    let lease = claim_delivery(queue.as_ref()).await?;
    let (id, body) = (lease.subject.id, lease.subject.body.clone());
    queue.record(lease, DeliveryRecord::Confirmed).await?;
    assert!(matches!(
        queue.enqueue(elsewhere(again(&first))?).await?,
        Enqueued::Redeliver { .. }
    ));
    let lease = claim_delivery(queue.as_ref()).await?;
    assert_eq!(
        (lease.subject.id, &lease.subject.body),
        (id, &body),
        "the stored result, under the same key"
    );
    Ok(())
}

pub(crate) async fn a_rejected_or_expired_result_goes_out_again(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let ends = [
        ("MR1", DeliveryRecord::Rejected { reason: "redirect" }),
        ("MR2", DeliveryRecord::Expired),
    ];
    for (sid, end) in ends {
        let first = job(sid)?;
        finished(queue.as_ref(), &first).await?;
        let lease = claim_delivery(queue.as_ref()).await?;
        queue.record(lease, end).await?;
        assert!(nothing_to_do(queue.as_ref()).await?);
        assert!(
            matches!(queue.enqueue(again(&first)).await?, Enqueued::Redeliver { .. }),
            "{sid}"
        );
        let lease = claim_delivery(queue.as_ref()).await?;
        assert!(lease.subject.left_seconds > 500.0, "there is time for it again");
        queue.record(lease, DeliveryRecord::Confirmed).await?;
    }
    Ok(())
}

pub(crate) async fn other_signed_fields_under_a_known_key_are_another_request(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    queue.enqueue(first.clone()).await?;
    let other = NewJob {
        fields_digest: "other".to_owned(),
        ..elsewhere(again(&first))?
    };
    let unneeded = other.audio.key.clone();
    assert_eq!(queue.enqueue(other.clone()).await?, Enqueued::Reused { unneeded });
    let lease = claim_one(queue.as_ref()).await?;
    assert_eq!(lease.subject.work, first, "the first request is untouched");
    queue.finish(lease, done("{}")).await?;
    assert!(matches!(queue.enqueue(other).await?, Enqueued::Reused { .. }));
    Ok(())
}

pub(crate) async fn concurrent_repeats_make_one_job(bench: &dyn Bench) -> Tested {
    let (one, two) = (bench.open(&addon(), NONE).await?, bench.open(&addon(), NONE).await?);
    let first = job("MR1")?;
    let repeats = (0..20).map(|turn| if turn % 2 == 0 { &one } else { &two }.enqueue(again(&first)));
    let mut accepted = 0;
    for enqueued in futures::future::join_all(repeats).await {
        accepted += usize::from(enqueued? == Enqueued::Accepted);
    }
    assert_eq!(accepted, 1);
    claim_one(one.as_ref()).await?;
    Ok(())
}

pub(crate) async fn endpoints_do_not_share_keys(bench: &dyn Bench) -> Tested {
    let queue = bench.open(&addon(), LONG).await?;
    let first = job("MR1")?;
    let other = NewJob {
        endpoint: EndpointName::new("conferences"),
        ..again(&first)
    };
    assert_eq!(queue.enqueue(first).await?, Enqueued::Accepted);
    assert_eq!(queue.enqueue(other).await?, Enqueued::Accepted);
    Ok(())
}
