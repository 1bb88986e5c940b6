-- Where the metadata of a partner ("service:ID", "idp:ID") is fetched from, when
-- next, and how it went.
CREATE TABLE metadata_feed (
  partner        TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL REFERENCES organisation (id),
  url            TEXT NOT NULL,
  etag           TEXT NOT NULL,
  last_modified  TEXT NOT NULL,
  valid_until    TIMESTAMPTZ,
  fetched_at     TIMESTAMPTZ,
  good_at        TIMESTAMPTZ,
  next_at        TIMESTAMPTZ NOT NULL,
  failure        TEXT NOT NULL,
  failure_text   TEXT NOT NULL,
  told_at        TIMESTAMPTZ
);

CREATE INDEX metadata_feed_due ON metadata_feed (next_at);

INSERT INTO metadata_feed (partner, org_id, url, etag, last_modified, fetched_at, good_at, next_at, failure, failure_text)
SELECT 'idp:' || id, org_id, metadata_url, '', '', fetched_at, metadata_at, created_at, '', '' FROM local_idp WHERE metadata_url <> '';

-- What a service's owner has decided about its new metadata, and what waits: the
-- rule, the certificate (PEM) that signs its documents, the document that waits to
-- be accepted, and the digest of the last one that was turned down.
CREATE TABLE service_source (
  service_id   TEXT PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
  org_id       TEXT NOT NULL,
  rule         TEXT NOT NULL,
  pinned       TEXT NOT NULL,
  proposed     TEXT NOT NULL,
  proposed_at  TIMESTAMPTZ,
  refused      TEXT NOT NULL,
  version      BIGINT NOT NULL
);
