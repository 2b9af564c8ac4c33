-- The totals of accounts that have no rows and too little coverage.
CREATE TABLE total_of AS
SELECT c.ask, c.scope AS account_id, c.tbl, t.amount
FROM scope_coverage AS c JOIN ask AS a USING (ask) JOIN total_measure AS m USING (kpi, tbl)
JOIN tiled_total AS t ON t.account_id = c.scope AND t.measure = m.measure AND t.start_ = a.start_ AND t.end_ = a.end_,
  department AS d
WHERE c.covered_days < c.days * d.minimum AND NOT EXISTS (
  SELECT 1 FROM own_day AS o JOIN own_row AS r USING (account_id, day)
  WHERE o.ask = c.ask AND o.account_id = c.scope AND r.tbl = m.tbl AND r.of_sales = m.of_sales);

-- What a total says is covered, and known of an account that has no rows.
CREATE TABLE ask_coverage AS
WITH share AS (
  SELECT c.ask, c.tbl, sum(c.days) AS days,
    sum(CASE WHEN t.ask IS NULL THEN c.covered_days ELSE c.days END) AS covered_days
  FROM scope_coverage AS c LEFT JOIN total_of AS t ON t.ask = c.ask AND t.account_id = c.scope AND t.tbl = c.tbl
  GROUP BY c.ask, c.tbl)
SELECT ask, min(covered_days / days) AS coverage, bool_and(covered_days >= days * m.minimum) AS enough
FROM share, department AS m GROUP BY ask;

UPDATE fact SET numerator = numerator + t.amount,
  stocks = stocks - CASE WHEN stocks > 0 THEN t.n ELSE 0 END,
  stocks_unknown = stocks_unknown - CASE WHEN stocks > 0 THEN t.n ELSE 0 END
FROM (SELECT ask, count(*) AS n, sum(amount) AS amount FROM total_of GROUP BY ask) AS t WHERE t.ask = fact.ask;
