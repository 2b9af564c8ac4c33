-- "**Totals** are sums of a span from a sheet that has no rows below them. They serve periods that they tile exactly;
-- rows of the proper table win."
CREATE TABLE total_measure(kpi VARCHAR, measure VARCHAR, tbl VARCHAR, of_sales BOOLEAN);
INSERT INTO total_measure VALUES ('unsubscribed', 'left', 'left', FALSE), ('views', 'views', 'posts', FALSE),
  ('likes', 'likes', 'posts', FALSE), ('posts_published', 'posts', 'posts', FALSE), ('leads', 'leads', 'leads', FALSE),
  ('qualified_leads', 'qualified_leads', 'leads', FALSE), ('sales', 'sales', 'leads', TRUE),
  ('sales_amount', 'sales_amount', 'leads', TRUE), ('social_visits', 'visits', 'traffic', FALSE);

-- "Sold is what is `won`, or of unknown status, and has a `sold_at`"; "a sale refunded before the end of its month
-- + `settle_days` counts nowhere", a later refund leaves it.
CREATE TABLE sold AS
SELECT lead_id, account_id, CAST(sold_at AS DATE) AS day, leads.currency, sale_amount
FROM leads, department AS d
WHERE happened(sold_at) AND coalesce(status, 'won') = 'won' AND NOT coalesce(happened(refunded_at) AND refunded_at
  <= CAST(CAST(date_trunc('month', CAST(sold_at AS DATE)) + INTERVAL 1 MONTH AS DATE) + d.settle_days AS TIMESTAMPTZ),
  FALSE);

-- The days on which an account has rows that count.
CREATE TABLE own_row AS
SELECT 'audience' AS tbl, FALSE AS of_sales, account_id, day FROM known_audience
UNION SELECT 'left', FALSE, account_id, day FROM known_audience
UNION SELECT 'posts', FALSE, account_id, day FROM posts
  WHERE happened(published_at) AND NOT coalesce(happened(deleted_at), FALSE)
UNION SELECT 'leads', FALSE, account_id, day FROM leads WHERE happened(created_at)
UNION SELECT 'leads', TRUE, account_id, day FROM sold
UNION SELECT 'traffic', FALSE, account_id, day FROM traffic WHERE is_over(day);

CREATE TABLE known_total AS SELECT * FROM totals WHERE is_over(until_ - 1);

CREATE TABLE tiled_total AS
WITH RECURSIVE tiles AS (
  SELECT t.account_id, t.measure, s.start_, s.end_, t.until_ AS reached, 1 AS n, t.amount
  FROM (SELECT start_, end_ FROM span UNION SELECT start_, end_ FROM earlier) AS s
  JOIN known_total AS t ON t.since = s.start_ AND t.until_ <= s.end_
  UNION ALL
  SELECT s.account_id, s.measure, s.start_, s.end_, t.until_, s.n + 1, s.amount + t.amount
  FROM tiles AS s JOIN known_total AS t ON t.account_id = s.account_id AND t.measure = s.measure
    AND t.since = s.reached AND t.until_ <= s.end_)
SELECT account_id, measure, start_, end_, arg_min(amount, n) AS amount
FROM tiles WHERE reached = end_ GROUP BY account_id, measure, start_, end_;
