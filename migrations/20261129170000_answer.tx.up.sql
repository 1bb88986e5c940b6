-- OCSP answers that are signed ahead, for all nodes: what one question is answered
-- with while the certificate's record still says the same. state and revoked_at are
-- what der tells; asked_at is, to the hour, when somebody last asked.
CREATE TABLE ocsp_answer (
  serial        TEXT NOT NULL,
  question      BYTEA NOT NULL,
  authority_id  TEXT NOT NULL REFERENCES authority (id),
  state         TEXT NOT NULL,
  revoked_at    TIMESTAMPTZ,
  der           BYTEA NOT NULL,
  this_update   TIMESTAMPTZ NOT NULL,
  next_update   TIMESTAMPTZ NOT NULL,
  asked_at      TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (serial, question)
);
--bun:split
CREATE INDEX ocsp_answer_age ON ocsp_answer (this_update, serial);
