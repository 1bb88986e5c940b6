-- Searches that walk the list read what they look for from the index itself.
UPDATE employee SET search_key = substr(search_key, 1, 250) WHERE length(search_key) > 250;
--bun:split
DROP INDEX employee_listed;
--bun:split
CREATE INDEX employee_listed ON employee (org_id, sort_key, id, search_key) WHERE state <> 'deleted';
--bun:split
-- Beginnings of words are written by org.Reindex.
UPDATE employee SET words_version = 0 WHERE state <> 'deleted';
