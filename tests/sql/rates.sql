-- What is divided by a stock: subscriber_growth and churn_rate by the subscribers at the start of P,
-- like_rate and meaningful_comment_rate by the mean daily subscribers in P. An account whose stock is unknown
-- is on neither side; one that is not open on any day held takes part where it has rows that count.
CREATE TABLE taking_part AS
SELECT f.ask, f.account_id FROM flow AS f JOIN ask AS a USING (ask)
GROUP BY f.ask, f.account_id, a.kpi
HAVING CASE a.kpi WHEN 'meaningful_comment_rate' THEN coalesce(sum(f.amount), 0) ELSE count(f.amount) END > 0;

CREATE TABLE divided AS
SELECT s.ask, s.account_id,
  CASE WHEN a.kpi IN ('subscriber_growth', 'churn_rate')
    THEN CASE WHEN (s.ask, s.account_id) IN (SELECT (ask, account_id) FROM flow WHERE amount IS NOT NULL)
      THEN s.opening END
    ELSE s.mean END AS stock
FROM any_stock AS s JOIN ask AS a USING (ask)
WHERE a.kpi IN ('subscriber_growth', 'churn_rate', 'like_rate', 'meaningful_comment_rate')
  AND (s.is_open OR (s.ask, s.account_id) IN (SELECT (ask, account_id) FROM taking_part));

INSERT INTO fact
WITH flows AS (
  SELECT ask, account_id, sum(amount) AS amount, count(*) AS n, count(*) - count(amount) AS unknown
  FROM flow GROUP BY ask, account_id)
SELECT a.ask, coalesce(sum(f.amount) FILTER (d.stock IS NOT NULL), 0), sum(d.stock),
  coalesce(sum(f.n) FILTER (d.stock IS NOT NULL), 0),
  coalesce(sum(f.unknown) FILTER (d.stock IS NOT NULL), 0),
  count(d.account_id), count(d.account_id) - count(d.stock), NULL
FROM ask AS a LEFT JOIN divided AS d USING (ask)
LEFT JOIN flows AS f ON f.ask = d.ask AND f.account_id = d.account_id
WHERE a.kpi IN ('subscriber_growth', 'churn_rate', 'like_rate', 'meaningful_comment_rate') GROUP BY a.ask;
