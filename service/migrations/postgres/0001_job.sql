-- One row is the idempotency check, the job, its result and the intent to call back: what is one row cannot disagree.
-- Times are seconds since 1970 by the database's own clock.
CREATE TABLE job (
    id                TEXT    NOT NULL PRIMARY KEY,
    addon             TEXT    NOT NULL,            -- namespace/name: every statement names it
    endpoint          TEXT    NOT NULL,
    request           TEXT    NOT NULL,            -- what makes a repeated request the same one
    fields_digest     TEXT    NOT NULL,
    sids              TEXT    NOT NULL,            -- JSON
    callback          TEXT,                        -- a capability: forgotten with the result

    audio_key         TEXT,                        -- null once the file is gone
    audio_bytes       BIGINT  NOT NULL,
    audio_sha256      TEXT    NOT NULL,
    channels          BIGINT  NOT NULL,
    sample_rate_hertz BIGINT  NOT NULL,
    bits_per_sample   BIGINT  NOT NULL,
    audio_seconds     DOUBLE PRECISION NOT NULL,

    accepted_at       DOUBLE PRECISION NOT NULL,
    median_seconds    DOUBLE PRECISION NOT NULL,    -- deadlines, counted from accepted_at
    p99_seconds       DOUBLE PRECISION NOT NULL,
    cutoff_seconds    DOUBLE PRECISION NOT NULL,
    due_at            DOUBLE PRECISION NOT NULL,    -- accepted_at + median_seconds: the order of work

    state             TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'delivering', 'confirmed', 'rejected', 'expired')),
    attempt           BIGINT  NOT NULL DEFAULT 0,  -- tries at the work
    run_at            DOUBLE PRECISION NOT NULL,    -- not to be tried before
    last_error        TEXT,                        -- a word, never a text from outside

    lease_token       TEXT,
    lease_number      BIGINT  NOT NULL DEFAULT 0,  -- leases ever given: no two are alike
    lease_until       DOUBLE PRECISION,

    result            TEXT,                        -- the JSON, or
    result_key        TEXT,                        -- where it lies in the spool
    error_code        TEXT,
    finished_at       DOUBLE PRECISION,

    deliver_from      DOUBLE PRECISION,             -- the result is to be sent since
    deliver_at        DOUBLE PRECISION,             -- not to be tried before
    deliver_until     DOUBLE PRECISION,             -- trying makes sense until
    delivery_attempt  BIGINT  NOT NULL DEFAULT 0,
    ended_at          DOUBLE PRECISION,             -- confirmed, rejected or expired at
    forgotten_at      DOUBLE PRECISION,             -- result and callback are gone; the request would be a new one

    CHECK (state NOT IN ('queued', 'running') OR audio_key IS NOT NULL),
    CHECK (state != 'delivering' OR (callback IS NOT NULL AND (result IS NOT NULL OR result_key IS NOT NULL)))
);

CREATE UNIQUE INDEX job_request ON job (addon, endpoint, request) WHERE forgotten_at IS NULL;
CREATE INDEX job_work ON job (addon, due_at) WHERE state IN ('queued', 'running');
CREATE INDEX job_delivery ON job (addon, due_at) WHERE state = 'delivering';
CREATE INDEX job_state ON job (addon, state);
CREATE INDEX job_audio ON job (audio_key) WHERE audio_key IS NOT NULL;
CREATE INDEX job_result ON job (result_key) WHERE result_key IS NOT NULL;
CREATE INDEX job_ended ON job (addon, ended_at) WHERE ended_at IS NOT NULL;
