-- What is finished of the transcription of a job that is not: words, as JSON. Deleted once the job has a result.
CREATE TABLE job_piece (
    addon    TEXT NOT NULL,
    job      TEXT NOT NULL,
    engine   TEXT NOT NULL,      -- another engine's words are not taken for this one's
    place    INTEGER NOT NULL,   -- of all pieces of the recording
    segments TEXT NOT NULL,
    PRIMARY KEY (addon, job, engine, place)
) STRICT;
