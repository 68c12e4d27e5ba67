-- One writer a shard of topics: who has the number may write.
CREATE TABLE sse.shards (
    shard int PRIMARY KEY,
    fence bigint NOT NULL
);

CREATE TABLE sse.topics (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- One row for each epoch of a topic, the oldest first by id. Its last offset is what a writer goes on from.
CREATE TABLE sse.logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic bigint NOT NULL REFERENCES sse.topics,
    epoch bigint NOT NULL,
    last_offset bigint NOT NULL,
    last_published bigint NOT NULL,
    retention int NOT NULL,
    touched timestamptz NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    erasing boolean NOT NULL DEFAULT false,
    UNIQUE (topic, epoch)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON COLUMN sse.logs.epoch IS 'the unsigned 64 bits of the epoch';
COMMENT ON COLUMN sse.logs.last_published IS 'Unix microseconds';
COMMENT ON COLUMN sse.logs.retention IS 'hours';

-- Keys that were erased while events with them may still be on their way here.
CREATE TABLE sse.erasures (
    log bigint NOT NULL REFERENCES sse.logs ON DELETE CASCADE,
    key_sha256 bytea NOT NULL,
    through bigint NOT NULL,
    PRIMARY KEY (log, key_sha256)
);

-- A partition has the events of one retention that were published in one span of time, and is dropped as a whole. The bucket is
-- the hour (since 1970) that the span begins with, and not a function of published_at: an event whose clock was ahead lies in
-- the present, so that it is not kept for as long as the clock was wrong.
CREATE TABLE sse.events (
    log bigint NOT NULL,
    off bigint NOT NULL,
    published_at timestamptz NOT NULL,
    retention int NOT NULL,
    bucket int NOT NULL,
    key text COLLATE "C",
    block bytea NOT NULL
) PARTITION BY RANGE (retention, bucket);

CREATE INDEX events_log_off ON sse.events (log, off);
CREATE INDEX events_log_published ON sse.events (log, published_at, off);
CREATE INDEX events_log_key ON sse.events (log, key, off) WHERE key IS NOT NULL;

COMMENT ON COLUMN sse.events.retention IS 'hours';
COMMENT ON COLUMN sse.events.block IS 'empty: the event was erased';
