-- CVR numbers of the organisations that the row's employee acts for, a comma between.
ALTER TABLE batch_row ADD COLUMN powers TEXT NOT NULL DEFAULT '';
--bun:split
-- Why the row's roles and rights, and its powers of attorney, were not given: a
-- code, '' when they were or there are none.
ALTER TABLE batch_row ADD COLUMN not_given TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE batch_row ADD COLUMN not_attached TEXT NOT NULL DEFAULT '';
--bun:split
-- So far the code stood where the reasons of rows stand that were not migrated.
UPDATE batch_row SET not_given = reason, reason = '' WHERE state IN ('invited', 'activated') AND reason LIKE '%.%';
--bun:split
CREATE INDEX batch_row_not_given ON batch_row (org_id, batch_id) WHERE not_given <> '' OR not_attached <> '';
