-- How a service's login is tried: where it begins, which page shows whether somebody
-- is logged in ('' = where the login ends) and by which text, the level that the
-- service demands ('' = what its requests ask for), and when it was tried last.
CREATE TABLE conformance_plan (
  service_id  TEXT PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
  org_id      TEXT NOT NULL,
  start_url   TEXT NOT NULL,
  page_url    TEXT NOT NULL,
  marker      TEXT NOT NULL,
  level       TEXT NOT NULL,
  version     BIGINT NOT NULL,
  tried_at    TIMESTAMPTZ
);
--bun:split
-- One dated report. state: running, done. trouble: why nothing could be judged, '' =
-- it could. cases: JSON, in the order in which they were run.
CREATE TABLE conformance_run (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  service_id   TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  state        TEXT NOT NULL,
  trouble      TEXT NOT NULL,
  cases        TEXT NOT NULL,
  started_at   TIMESTAMPTZ NOT NULL,
  finished_at  TIMESTAMPTZ
);
--bun:split
CREATE INDEX conformance_run_listed ON conformance_run (org_id, service_id, started_at, id);
