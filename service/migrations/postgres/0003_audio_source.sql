-- Audio that is still to be fetched. Such a job is `queued`, and its `run_at` lies in a future that nobody sees: so no
-- worker takes it up before its audio is there, one of the version before included.
ALTER TABLE job ADD COLUMN audio_source TEXT;                         -- JSON; its URL is a capability: forgotten once fetched
ALTER TABLE job ADD COLUMN fetch_at DOUBLE PRECISION;                 -- not to be tried before
ALTER TABLE job ADD COLUMN fetch_attempt BIGINT NOT NULL DEFAULT 0;   -- tries at the fetch

CREATE INDEX job_fetch ON job (addon, due_at) WHERE audio_source IS NOT NULL;
