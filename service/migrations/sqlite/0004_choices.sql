-- What people decide about jobs, and what bounds one customer. A program of the version before reads `state` and knows
-- neither holds nor discards, so that both stand beside it: a held job is one that is never due, a discarded one is expired.
ALTER TABLE job ADD COLUMN held_at REAL;               -- nothing is done with it until somebody chooses
ALTER TABLE job ADD COLUMN discarded_at REAL;          -- ended by somebody, without a callback
ALTER TABLE job ADD COLUMN install TEXT NOT NULL DEFAULT ''; -- the customer's installation; all without one are one
UPDATE job SET install = coalesce(json_extract(sids, '$.addon_install'), '') WHERE state IN ('queued', 'running');

CREATE INDEX job_unfinished ON job (addon, install) WHERE state IN ('queued', 'running') AND held_at IS NULL;
CREATE INDEX job_held ON job (addon) WHERE held_at IS NOT NULL;
CREATE INDEX job_accepted ON job (addon, accepted_at, id);

-- One row for each change that somebody made, and one for each fence.
CREATE TABLE job_audit (
    id      TEXT NOT NULL PRIMARY KEY,
    addon   TEXT NOT NULL,
    at      REAL NOT NULL,
    action  TEXT NOT NULL,
    job     TEXT,                        -- null: the whole fence
    request TEXT,                        -- the request's SID
    author  TEXT NOT NULL,
    choice  TEXT NOT NULL                -- how it was chosen: the filter
) STRICT;
CREATE INDEX job_audit_at ON job_audit (addon, at);
