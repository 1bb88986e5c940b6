-- Employees without a CPR number are found by a mark: their identity must be known at Substantial whatever the organisation
-- demands. A mark begins with the character of code 1, as in internal/org/words.go.
INSERT INTO employee_word (org_id, word, sort_key, employee_id)
SELECT org_id, 'cpr:without', sort_key, id FROM employee WHERE without_cpr AND state <> 'deleted' ON CONFLICT DO NOTHING;
