-- What a request says that its result repeats: the kind of recording, the customer's choices. A program of the version
-- before does not write it, so it may be null.
ALTER TABLE job ADD COLUMN details TEXT; -- JSON
