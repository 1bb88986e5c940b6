-- The ledger of a month is read over all organisations.
CREATE INDEX usage_month_by_month ON usage_month (month, org_id);
