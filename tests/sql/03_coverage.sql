-- Which days are covered, and from which row an account sets out.

-- The tables that a KPI needs; "with several tables the lowest share counts".
CREATE TABLE needs AS
SELECT unnest(string_split(kpis, ' ')) AS kpi, tbl FROM (VALUES
  ('audience', 'subscribers subscriber_gain subscriber_growth view_rate like_rate meaningful_comment_rate'),
  ('left', 'unsubscribed churn_rate'),
  ('posts', 'views view_rate engagement_rate likes like_rate posts_published plan_fulfilment'),
  ('comments', 'meaningful_comments meaningful_comment_rate'),
  ('leads', 'leads qualified_leads qualified_lead_rate sales sales_amount'),
  ('traffic', 'social_visits'),
  ('brand_queries', 'brand_queries'),
  ('mentions', 'brand_mentions'),
  ('plan', 'plan_fulfilment'),
  ('inquiries', 'response_rate median_response_time')) AS t(tbl, kpis);

-- The KPIs of brands look at brands. Of some, units that fall into an absence are left out; others accrue: as a
-- value they count the days on which the person holds the account and is present.
CREATE MACRO of_brand(kpi) AS kpi IN ('brand_queries', 'brand_mentions');
CREATE MACRO on_duty(kpi) AS kpi IN ('plan_fulfilment', 'response_rate', 'median_response_time');
CREATE MACRO accrues(kpi) AS kpi NOT IN ('subscribers', 'view_rate', 'engagement_rate', 'qualified_lead_rate',
  'brand_queries') AND NOT on_duty(kpi);

CREATE TABLE scopes AS
SELECT account_id AS scope, opened, closed, FALSE AS brand FROM accounts
UNION ALL SELECT DISTINCT brand, CAST(NULL AS DATE), CAST(NULL AS DATE), TRUE FROM brands;

-- "An absent table is uncovered, not an error."
CREATE TABLE covered_rows AS
SELECT DISTINCT c.tbl, c.scope, d.day
FROM coverage AS c, (SELECT DISTINCT day FROM day_of) AS d, department
WHERE has_coverage AND d.day >= c.since AND d.day < c.until_ AND
  CASE c.tbl WHEN 'subscribers' THEN 'audience' ELSE c.tbl END IN (FROM present)
UNION ALL
SELECT e.tbl, s.scope, d.day
FROM extent AS e, scopes AS s, (SELECT DISTINCT day FROM day_of) AS d, department
WHERE NOT has_coverage AND d.day BETWEEN e.first_day AND e.last_day
  AND s.brand = (e.tbl IN ('brand_queries', 'mentions'));

-- "Coverage of `messages` is coverage of inquiries." Coverage of `subscribers` is that of the counts in `audience`
-- alone: it says nothing of who left.
CREATE TABLE covered AS
FROM covered_rows UNION SELECT 'inquiries', scope, day FROM covered_rows WHERE tbl = 'messages'
UNION SELECT 'audience', scope, day FROM covered_rows WHERE tbl = 'subscribers'
UNION SELECT 'left', scope, day FROM covered_rows WHERE tbl = 'audience';

-- "Subscribers at an instant: the last row before it within `audience.tolerance_days`; else the first row after
-- it, less its `joined` and plus its `left` where known, else its count, within the same tolerance; at the start
-- of an account with no earlier row at all: its first row's subscribers − joined + left." A row of a day holds at
-- the end of that day. `ends` is the end of what begins at the instant.
CREATE MACRO around(edges) AS TABLE
SELECT e.account_id, e.at_, e.ends, l.day AS last_day, l.subscribers AS last_count,
  n.day AS next_day, n.subscribers AS next_count, n.before AS next_before
FROM query_table(edges) AS e
LEFT JOIN known_count AS l ON l.account_id = e.account_id AND l.day = (
  SELECT max(k.day) FROM known_count AS k WHERE k.account_id = e.account_id AND k.day < e.at_)
LEFT JOIN known_count AS n ON n.account_id = e.account_id AND n.day = (
  SELECT min(k.day) FROM known_count AS k WHERE k.account_id = e.account_id AND k.day >= e.at_);
