-- Since when a job is worked on: what is done of it, and how fast work goes. A program of the version before does not
-- write it, so it may be null.
ALTER TABLE job ADD COLUMN started_at DOUBLE PRECISION; -- the last attempt's begin

CREATE INDEX job_measured ON job (addon, finished_at)
    WHERE started_at IS NOT NULL AND finished_at IS NOT NULL AND error_code IS NULL;
