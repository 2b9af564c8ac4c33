-- What is asked, of which accounts and brands, on which days, and how much of that is covered.

-- "An entry may narrow its scope: `accounts`, `platforms`, `brands` (default: all of the person's)".
CREATE TABLE in_scope AS
SELECT e.person, e.entry, a.account_id
FROM entries AS e, accounts AS a
WHERE (e.accounts IS NULL OR list_contains(e.accounts, a.account_id))
  AND (e.platforms IS NULL OR list_contains(e.platforms, a.platform));

-- What is asked: one row a figure. An entry asks for its value, for both sides of its comparisons with the
-- previous period and the year before, for its history, and for its value by account.
CREATE TABLE ask AS
SELECT CAST(row_number() OVER () AS INTEGER) AS ask, * FROM (
  -- the value in P, clipped to the assignments
  SELECT e.person, e.entry, e.kpi, 'value' AS role, 0 AS nr, CAST(NULL AS VARCHAR) AS versus,
    s.start_, s.end_, TRUE AS clipped, CAST(NULL AS VARCHAR) AS only_account, FALSE AS change
  FROM entries AS e, span AS s WHERE s.nr = 0
  UNION ALL
  -- the value by account
  SELECT e.person, e.entry, e.kpi, 'account', 0, NULL, s.start_, s.end_, TRUE, h.account_id, FALSE
  FROM entries AS e JOIN in_scope AS i USING (person, entry)
  JOIN held AS h USING (person, account_id), span AS s
  WHERE s.nr = 0 AND e.form = 'value' AND NOT of_brand(e.kpi)
  GROUP BY ALL
  UNION ALL
  -- the two sides of a comparison, like for like
  SELECT e.person, e.entry, e.kpi, 'now', 0, t.versus, s.start_, s.end_, FALSE, NULL, e.form <> 'value'
  FROM entries AS e, span AS s JOIN earlier AS t USING (nr) WHERE s.nr = 0
  UNION ALL
  SELECT e.person, e.entry, e.kpi, 'then', 0, t.versus, t.start_, t.end_, FALSE, NULL, e.form <> 'value'
  FROM entries AS e, earlier AS t WHERE t.nr = 0
  UNION ALL
  -- "Earlier periods use the same accounts unclipped"; the history of a change holds changes
  SELECT e.person, e.entry, e.kpi, 'history', s.nr, NULL, s.start_, s.end_, FALSE, NULL, FALSE
  FROM entries AS e, span AS s WHERE s.nr > 0 AND e.form = 'value'
  UNION ALL
  SELECT e.person, e.entry, e.kpi, 'now', s.nr, e.versus, s.start_, s.end_, FALSE, NULL, TRUE
  FROM entries AS e, span AS s WHERE s.nr > 0 AND e.form <> 'value'
  UNION ALL
  SELECT e.person, e.entry, e.kpi, 'then', t.nr, t.versus, t.start_, t.end_, FALSE, NULL, TRUE
  FROM entries AS e JOIN earlier AS t USING (versus) WHERE t.nr > 0 AND e.form <> 'value');

-- The sides that belong together.
CREATE TABLE pair AS
SELECT n.ask AS now_ask, t.ask AS then_ask, n.person, n.entry, n.kpi, n.nr, n.versus
FROM ask AS n JOIN ask AS t USING (person, entry, nr, versus)
WHERE n.role = 'now' AND t.role = 'then';

-- "An account held for only a part of P, or not covered earlier, is left out of both sides of a change":
-- covered are `coverage.minimum` of all days of the earlier period, in each table that the KPI needs.
CREATE TABLE whole AS
SELECT person, account_id FROM held
GROUP BY person, account_id HAVING count(*) = (SELECT date_diff('day', start_, end_) FROM span WHERE nr = 0);

CREATE TABLE covered_earlier AS
WITH days AS (
  SELECT t.nr, t.versus, s.scope, n.tbl, d.day, t.start_, date_diff('day', t.start_, t.end_) AS length,
    is_over(d.day) AND d.day >= coalesce(s.opened, d.day) AND d.day < coalesce(s.closed, d.day + 1) AS open_
  FROM earlier AS t JOIN day_of AS d USING (start_, end_), scopes AS s,
    (SELECT DISTINCT tbl FROM needs) AS n
  WHERE s.brand = (n.tbl IN ('brand_queries', 'mentions')))
SELECT x.nr, x.versus, x.scope, x.tbl,
  count(*) FILTER (c.day IS NOT NULL AND x.open_)
    >= any_value(x.length) * any_value(m.minimum) AS enough,
  count(*) FILTER (x.open_) >= any_value(x.length) * any_value(m.minimum) AS open_enough
FROM days AS x
LEFT JOIN covered AS c USING (tbl, scope, day), department AS m
GROUP BY x.nr, x.versus, x.scope, x.tbl;

CREATE TABLE comparable AS
SELECT n.kpi, c.nr, c.versus, c.scope
FROM covered_earlier AS c JOIN needs AS n USING (tbl)
GROUP BY n.kpi, c.nr, c.versus, c.scope HAVING bool_and(c.enough)
UNION
SELECT m.kpi, e.nr, e.versus, t.account_id
FROM tiled_total AS t JOIN total_measure AS m USING (measure) JOIN earlier AS e USING (start_, end_)
JOIN covered_earlier AS c ON c.nr = e.nr AND c.versus = e.versus AND c.scope = t.account_id AND c.tbl = m.tbl
WHERE c.open_enough AND NOT EXISTS (SELECT 1 FROM own_row AS r WHERE r.account_id = t.account_id AND r.tbl = m.tbl
  AND r.of_sales = m.of_sales AND r.day >= t.start_ AND r.day < t.end_);

-- The accounts and brands of each ask.
CREATE TABLE ask_account AS
SELECT DISTINCT a.ask, h.account_id
FROM ask AS a JOIN held AS h USING (person)
JOIN in_scope AS i ON i.person = a.person AND i.entry = a.entry AND i.account_id = h.account_id
WHERE NOT of_brand(a.kpi) AND h.account_id = coalesce(a.only_account, h.account_id)
  AND (a.versus IS NULL OR (
    (a.nr > 0 OR (a.person, h.account_id) IN (SELECT (person, account_id) FROM whole))
    AND (a.kpi, a.nr, a.versus, h.account_id) IN (SELECT (kpi, nr, versus, scope) FROM comparable)));

CREATE TABLE ask_brand AS
SELECT a.ask, b.brand
FROM ask AS a JOIN brands AS b USING (person) JOIN entries AS e USING (person, entry)
WHERE of_brand(a.kpi) AND (e.brands IS NULL OR list_contains(e.brands, b.brand))
  AND (a.versus IS NULL
    OR (a.kpi, a.nr, a.versus, b.brand) IN (SELECT (kpi, nr, versus, scope) FROM comparable));

-- The account-days of the assignment, or, of earlier periods, all of them; as a value of a KPI that accrues only
-- those on which the person is present.
CREATE TABLE own_day AS
SELECT a.ask, x.account_id, d.day
FROM ask AS a JOIN ask_account AS x USING (ask) JOIN day_of AS d USING (start_, end_)
WHERE NOT a.clipped
UNION ALL
SELECT a.ask, x.account_id, h.day
FROM ask AS a JOIN entries AS e USING (person, entry) JOIN ask_account AS x USING (ask)
JOIN held AS h ON h.person = a.person AND h.account_id = x.account_id
LEFT JOIN away AS w ON w.person = a.person AND w.day = h.day
WHERE a.clipped AND NOT (e.form = 'value' AND accrues(a.kpi) AND w.day IS NOT NULL);

-- The account-days whose rows count: of inquiries and plan items none of an absence.
CREATE TABLE ask_day AS
SELECT o.ask, o.account_id, o.day
FROM own_day AS o JOIN ask AS a USING (ask) LEFT JOIN away AS w ON w.person = a.person AND w.day = o.day
WHERE NOT (on_duty(a.kpi) AND w.day IS NOT NULL);

-- The brand-days: as a value of a KPI that accrues those on which the person is present.
CREATE TABLE brand_day AS
SELECT a.ask, b.brand, d.day
FROM ask AS a JOIN entries AS e USING (person, entry) JOIN ask_brand AS b USING (ask)
JOIN day_of AS d ON d.start_ = a.start_ AND d.end_ = a.end_
LEFT JOIN away AS w ON w.person = a.person AND w.day = d.day
WHERE NOT (a.clipped AND e.form = 'value' AND accrues(a.kpi) AND w.day IS NOT NULL);

-- "Expected are the days inside P, inside the assignment's `since`/`until`, and from the account's `opened`", and
-- before its `closed`: of an interim period those that are over.
CREATE TABLE expected AS
SELECT d.ask, d.account_id AS scope, d.day
FROM (SELECT o.* FROM own_day AS o JOIN ask AS a USING (ask) WHERE NOT (a.clipped AND on_duty(a.kpi))
  UNION SELECT o.* FROM ask_day AS o JOIN ask AS a USING (ask) WHERE a.clipped AND on_duty(a.kpi)) AS d
JOIN accounts AS a USING (account_id)
WHERE is_over(d.day) AND d.day >= coalesce(a.opened, d.day) AND d.day < coalesce(a.closed, d.day + 1)
UNION ALL
SELECT ask, brand, day FROM brand_day WHERE is_over(day);

-- What there is of P, or of the earlier period, from the account's opening to its closing and the cut-off; the
-- days that count end with `closes`.
CREATE TABLE reach AS
SELECT o.ask, o.account_id, greatest(a.start_, coalesce(c.opened, a.start_)) AS opens,
  least(a.end_, coalesce(c.closed, a.end_), CAST((SELECT as_of FROM cutoff) AS DATE)) AS ends,
  max(o.day) AS last_day, max(e.day) + 1 AS closes
FROM own_day AS o JOIN ask AS a USING (ask) JOIN accounts AS c ON c.account_id = o.account_id
LEFT JOIN expected AS e ON e.ask = o.ask AND e.scope = o.account_id AND e.day = o.day
GROUP BY ALL;

CREATE TABLE scope_coverage AS
SELECT e.ask, e.scope, n.tbl, count(*) AS days, count(*) FILTER (c.day IS NOT NULL) AS covered_days
FROM expected AS e JOIN ask AS a USING (ask) JOIN needs AS n USING (kpi)
LEFT JOIN covered AS c ON c.tbl = n.tbl AND c.scope = e.scope AND c.day = e.day
GROUP BY e.ask, e.scope, n.tbl;

-- What each KPI file adds: the sums, the rows and how many of them are unknown, the accounts whose stock is
-- asked for and of how many of them it is not known, and a reason of its own for having no value.
CREATE TABLE fact (ask INTEGER, numerator DOUBLE, denominator DOUBLE, rows_ BIGINT, unknown BIGINT,
  stocks BIGINT, stocks_unknown BIGINT, problem VARCHAR);
