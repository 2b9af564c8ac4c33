-- P, the cut-off, the earlier periods, and who held what on which day.

-- "`as_of`, the data cut-off, defaults to the end of P plus `posts.settle_days`, but not beyond the end of
-- coverage"; the plan reaches into the future and does not count there.
CREATE TABLE cutoff AS
WITH known AS (
  SELECT CASE WHEN d.has_coverage
    THEN (SELECT max(until_) FROM coverage WHERE tbl <> 'plan')
    ELSE (SELECT max(last_day) + 1 FROM extent WHERE tbl <> 'plan') END AS ends
  FROM department AS d)
SELECT coalesce(moment(d.as_of), CAST(least(d.end_ + d.settle_days, known.ends) AS TIMESTAMPTZ)) AS as_of
FROM department AS d, known;

-- A day's figures are known when the day is over at `as_of`.
CREATE MACRO is_over(day_) AS CAST(day_ + 1 AS TIMESTAMPTZ) <= (SELECT as_of FROM cutoff);
CREATE MACRO happened(at_) AS at_ <= (SELECT as_of FROM cutoff);

-- "A period that is not over at `as_of` is interim".
CREATE TABLE standing AS
SELECT c.as_of < CAST(d.end_ AS TIMESTAMPTZ) AS interim,
  c.as_of < CAST(d.end_ + d.settle_days AS TIMESTAMPTZ) AS preliminary
FROM cutoff AS c, department AS d;

-- Number 0 is P, 1 the period before it, and so on.
CREATE MACRO back(start_, grain, n) AS CAST(start_ - CASE grain
  WHEN 'week' THEN to_days(CAST(7 * n AS INTEGER)) WHEN 'month' THEN to_months(CAST(n AS INTEGER))
  WHEN 'quarter' THEN to_months(CAST(3 * n AS INTEGER)) WHEN 'year' THEN to_months(CAST(12 * n AS INTEGER))
  END AS DATE);

-- The Monday of ISO week `number` of a year, the last one where the year has no such week.
CREATE MACRO monday(year_, number) AS CAST(date_trunc('week', make_date(year_, 1, 4)) AS DATE)
  + 7 * CAST(least(number, weekofyear(make_date(year_, 12, 28))) - 1 AS INTEGER);

CREATE TABLE span AS
SELECT CAST(n AS INTEGER) AS nr, back(start_, grain, n) AS start_, back(start_, grain, n - 1) AS end_
FROM department, range(CAST(periods AS BIGINT)) AS r(n);

-- The other side of a change, for each of these periods; of a week it is the same ISO week number.
CREATE TABLE earlier AS
SELECT nr, 'previous' AS versus, back(s.start_, grain, 1) AS start_, s.start_ AS end_
FROM span AS s, department
UNION ALL
SELECT nr, 'year_ago', CAST(s.start_ - to_months(12) AS DATE), CAST(s.end_ - to_months(12) AS DATE)
FROM span AS s, department WHERE grain <> 'week'
UNION ALL
SELECT nr, 'year_ago', monday(isoyear(s.start_) - 1, weekofyear(s.start_)),
  monday(isoyear(s.start_) - 1, weekofyear(s.start_)) + 7
FROM span AS s, department WHERE grain = 'week';

CREATE TABLE day_of AS
SELECT start_, end_, start_ + CAST(n AS INTEGER) AS day
FROM (SELECT start_, end_ FROM span UNION SELECT start_, end_ FROM earlier) AS s,
  LATERAL (SELECT unnest(range(date_diff('day', s.start_, s.end_))) AS n);

-- The days of P on which a person holds an account: "inside the assignment's `since`/`until`".
CREATE TABLE held AS
SELECT DISTINCT a.person, a.account_id, d.day
FROM assignments AS a, span AS p JOIN day_of AS d USING (start_, end_)
WHERE p.nr = 0 AND d.day >= coalesce(a.since, d.day) AND d.day < coalesce(a.until_, d.day + 1);

-- The days on which a person is away, in any period.
CREATE TABLE away AS
SELECT DISTINCT a.person, d.day
FROM absences AS a, day_of AS d
WHERE d.day >= coalesce(a.since, d.day) AND d.day < coalesce(a.until_, d.day + 1);
