-- One successor at a time for each use and algorithm.
CREATE UNIQUE INDEX saml_key_announced ON saml_key (purpose, algorithm) WHERE state = 'announced';
--bun:split
-- That a partner ("service:ID", "idp:ID") has a key: fetched, used, told, by_hand.
CREATE TABLE saml_key_seen (
  key_id   TEXT NOT NULL REFERENCES saml_key (id),
  partner  TEXT NOT NULL,
  org_id   TEXT NOT NULL REFERENCES organisation (id),
  how      TEXT NOT NULL,
  seen_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (key_id, partner)
);
--bun:split
CREATE INDEX saml_key_seen_partner ON saml_key_seen (partner);
--bun:split
-- That an address was told of a step of a rollover: announced, reminded, switched.
CREATE TABLE saml_key_notice (
  key_id      TEXT NOT NULL REFERENCES saml_key (id),
  partner     TEXT NOT NULL,
  step        TEXT NOT NULL,
  address     TEXT NOT NULL,
  org_id      TEXT NOT NULL REFERENCES organisation (id),
  token_mac   BYTEA NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (key_id, partner, step, address)
);
--bun:split
CREATE UNIQUE INDEX saml_key_notice_token ON saml_key_notice (token_mac);
