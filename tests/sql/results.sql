-- The figures. "Undefined is not assessable plus a reason; never 0, never inf, never a silent NaN."

CREATE MACRO is_ratio(kpi) AS kpi IN ('subscriber_growth', 'churn_rate', 'view_rate', 'engagement_rate',
  'like_rate', 'meaningful_comment_rate', 'qualified_lead_rate', 'plan_fulfilment', 'response_rate');

CREATE TABLE measured AS
SELECT a.*, c.coverage,
  CASE
    WHEN c.coverage IS NULL THEN 'nothing_expected'
    WHEN NOT c.enough THEN 'not_covered'
    WHEN f.problem IS NOT NULL THEN f.problem
    WHEN f.unknown * 10 > f.rows_ THEN 'rows_unknown'
    WHEN f.stocks_unknown * 10 > f.stocks THEN 'stocks_unknown'
    WHEN is_ratio(a.kpi) AND coalesce(f.denominator, 0) = 0 THEN 'nothing_to_divide_by'
  END AS reason,
  CASE WHEN a.kpi <> 'median_response_time' THEN f.numerator END AS numerator, f.denominator,
  CASE WHEN reason IS NULL
    THEN CASE WHEN is_ratio(a.kpi) THEN f.numerator / f.denominator ELSE f.numerator END END AS value
FROM ask AS a LEFT JOIN ask_coverage AS c USING (ask) JOIN fact AS f USING (ask);

-- "`as: change` or `as: growth` (change / previous)"; not assessable where P is not over, growth not from
-- nothing or less than nothing.
CREATE TABLE compared AS
SELECT p.person, p.entry, p.nr, p.versus, n.coverage, e.form, n.value AS now_value, t.value AS then_value,
  CASE
    WHEN s.interim AND p.nr = 0 THEN 'interim'
    WHEN n.reason IS NOT NULL THEN n.reason
    WHEN t.reason IS NOT NULL THEN 'earlier_' || t.reason
    WHEN e.form = 'growth' AND t.value <= 0 THEN 'no_growth_from_here'
  END AS lacks,
  CASE WHEN lacks IS NULL THEN n.value - t.value END AS numerator,
  CASE WHEN lacks IS NULL AND e.form = 'growth' THEN t.value END AS denominator,
  CASE WHEN lacks IS NULL THEN CASE e.form WHEN 'growth' THEN (n.value - t.value) / t.value
    ELSE n.value - t.value END END AS value
FROM pair AS p JOIN measured AS n ON n.ask = p.now_ask JOIN measured AS t ON t.ask = p.then_ask
JOIN entries AS e ON e.person = p.person AND e.entry = p.entry, standing AS s;

CREATE TABLE result AS
SELECT e.person, e.entry, e.kpi, e.form, e.versus,
  coalesce(v.value, c.value) AS value, coalesce(v.numerator, c.numerator) AS numerator,
  coalesce(v.denominator, c.denominator) AS denominator, coalesce(v.coverage, c.coverage) AS coverage,
  coalesce(v.reason, c.lacks) AS reason, b.then_value AS previous, y.then_value AS year_ago
FROM entries AS e
LEFT JOIN measured AS v ON v.person = e.person AND v.entry = e.entry AND v.role = 'value' AND e.form = 'value'
LEFT JOIN compared AS c ON c.person = e.person AND c.entry = e.entry AND c.nr = 0 AND c.versus = e.versus
  AND e.form <> 'value'
JOIN compared AS b ON b.person = e.person AND b.entry = e.entry AND b.nr = 0 AND b.versus = 'previous'
JOIN compared AS y ON y.person = e.person AND y.entry = e.entry AND y.nr = 0 AND y.versus = 'year_ago';

-- Number 0 is P itself.
CREATE TABLE history AS
SELECT person, entry, 0 AS nr, value FROM result
UNION ALL SELECT person, entry, nr, value FROM measured WHERE role = 'history'
UNION ALL SELECT person, entry, nr, value FROM compared WHERE nr > 0 AND form <> 'value';

CREATE TABLE by_account AS
SELECT person, entry, only_account AS account_id, value, reason FROM measured WHERE role = 'account';
