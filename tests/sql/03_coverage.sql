-- Which days are covered, and from which row an account sets out.

-- The tables that a KPI needs; "with several tables the lowest share counts".
CREATE TABLE needs AS
SELECT unnest(string_split(kpis, ' ')) AS kpi, tbl FROM (VALUES
  ('audience', 'subscribers subscriber_gain subscriber_growth unsubscribed churn_rate view_rate like_rate '
    || 'meaningful_comment_rate'),
  ('posts', 'views view_rate engagement_rate likes like_rate posts_published plan_fulfilment'),
  ('comments', 'meaningful_comments meaningful_comment_rate'),
  ('leads', 'leads qualified_leads qualified_lead_rate sales sales_amount'),
  ('traffic', 'social_visits'),
  ('brand_queries', 'brand_queries'),
  ('mentions', 'brand_mentions'),
  ('plan', 'plan_fulfilment'),
  ('inquiries', 'response_rate median_response_time')) AS t(tbl, kpis);

-- The KPIs of brands look at brands, and those that a deputy takes over at inquiries and plan items.
CREATE MACRO of_brand(kpi) AS kpi IN ('brand_queries', 'brand_mentions');
CREATE MACRO on_duty(kpi) AS kpi IN ('plan_fulfilment', 'response_rate', 'median_response_time');

CREATE TABLE scopes AS
SELECT account_id AS scope, opened, FALSE AS brand FROM accounts
UNION ALL SELECT DISTINCT brand, CAST(NULL AS DATE), TRUE FROM brands;

-- "An absent table is uncovered, not an error."
CREATE TABLE covered AS
SELECT DISTINCT c.tbl, c.scope, d.day
FROM coverage AS c, (SELECT DISTINCT day FROM day_of) AS d, department
WHERE has_coverage AND d.day >= c.since AND d.day < c.until_ AND c.tbl IN (FROM present)
UNION ALL
SELECT e.tbl, s.scope, d.day
FROM extent AS e, scopes AS s, (SELECT DISTINCT day FROM day_of) AS d, department
WHERE NOT has_coverage AND d.day BETWEEN e.first_day AND e.last_day
  AND s.brand = (e.tbl IN ('brand_queries', 'mentions'));

CREATE TABLE known_audience AS
SELECT *, lag(subscribers) OVER (PARTITION BY account_id ORDER BY day) AS before
FROM audience WHERE is_over(day);

-- "Subscribers at the start of P: the account's last row before P (at most 7 days old); an account with no
-- earlier row at all: its first row's subscribers − joined + left. Where the last row is older than 7 days,
-- the account's days up to its next row count as uncovered", and the opening is what that next row set out
-- from. `opens` is the first day of the period, or of the assignment inside it.
CREATE TABLE opening AS
WITH start_of AS (
  SELECT account_id, start_ AS opens FROM accounts, (SELECT start_ FROM span UNION SELECT start_ FROM earlier)
  UNION SELECT account_id, min(day) FROM held GROUP BY person, account_id),
around AS (
  SELECT s.*, max(r.day) FILTER (r.day < s.opens) AS last_day,
    min(r.day) FILTER (r.day >= s.opens) AS next_day
  FROM start_of AS s LEFT JOIN known_audience AS r USING (account_id) GROUP BY ALL)
SELECT a.account_id, a.opens, a.next_day, coalesce(a.last_day >= a.opens - 7, FALSE) AS fresh,
  a.last_day < a.opens - 7 AS stale, l.subscribers AS last_subscribers,
  n.subscribers - n.joined + n.gone AS set_out_from
FROM around AS a
LEFT JOIN known_audience AS l ON l.account_id = a.account_id AND l.day = a.last_day
LEFT JOIN known_audience AS n ON n.account_id = a.account_id AND n.day = a.next_day;

-- Days that do not count as covered for the KPIs that need `audience`.
CREATE MACRO is_stale(tbl, opening_stale, next_day, day_) AS
  tbl = 'audience' AND coalesce(opening_stale, FALSE) AND day_ < coalesce(next_day, day_ + 1);
