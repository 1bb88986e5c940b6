-- Operators find organisations by words of the name and by CVR number.
ALTER TABLE organisation ADD COLUMN search_key TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE organisation ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
--bun:split
CREATE INDEX organisation_sorted ON organisation (sort_key, id);
