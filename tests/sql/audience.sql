-- Groups 1 and 2: subscribers, subscriber_gain, unsubscribed; what growth and churn divide is in rates.sql.

-- The rows of each ask.
CREATE TABLE audience_of AS
SELECT d.ask, d.account_id, d.day, k.subscribers, k.gone
FROM own_day AS d JOIN ask AS a USING (ask) JOIN known_audience AS k USING (account_id, day)
WHERE a.kpi IN (SELECT kpi FROM needs WHERE tbl IN ('audience', 'left'));

-- The opening: as an instant, but within 7 days; "stocks in denominators are those at P's start".
CREATE TABLE opening_edge AS SELECT DISTINCT account_id, opens AS at_, ends FROM reach;
CREATE TABLE opening AS
SELECT account_id, at_, ends, CASE
  WHEN last_day >= at_ - 7 THEN last_count
  WHEN next_day >= ends OR next_day IS NULL THEN NULL
  WHEN next_day + 1 - at_ <= 7 THEN coalesce(next_before, next_count)
  WHEN last_day IS NULL THEN next_before END AS count_
FROM around('opening_edge');

-- The stocks of each account of which days are expected: at the start, at the end ("last `subscribers` in P,
-- at most 7 days before its end"; "with `until` inside P the closing level is the last row before it") and
-- the mean of P ("means are over the rows that exist; nothing is filled in").
CREATE TABLE any_stock AS
SELECT r.ask, r.account_id, r.closes IS NOT NULL AS is_open, any_value(o.count_) AS opening,
  arg_max(k.subscribers, k.day) FILTER (k.day >= r.closes - 7 AND k.day < r.closes
    AND (r.ask, k.account_id, k.day) IN (SELECT (ask, account_id, day) FROM audience_of)) AS closing,
  avg(k.subscribers) AS mean
FROM reach AS r JOIN ask AS a USING (ask)
JOIN opening AS o ON o.account_id = r.account_id AND o.at_ = r.opens AND o.ends = r.ends
LEFT JOIN known_count AS k ON k.account_id = r.account_id AND k.day >= r.opens AND k.day < r.ends
WHERE a.kpi IN (SELECT kpi FROM needs WHERE tbl IN ('audience', 'left'))
GROUP BY r.ask, r.account_id, r.closes;

CREATE TABLE stock AS SELECT * FROM any_stock WHERE is_open;

-- The gain: subscribers at the end − at the start of each run of days that count. Where there are no daily rows
-- and only some days count, it is that of all of P.
CREATE TABLE run AS
SELECT ask, account_id, min(day) AS since, max(day) + 1 AS until_, min(opens) AS opens, min(ends) AS ends
FROM (
  SELECT d.ask, d.account_id, d.day, r.opens, r.ends,
    d.day - CAST(row_number() OVER (PARTITION BY d.ask, d.account_id ORDER BY d.day) AS INTEGER) AS island
  FROM own_day AS d JOIN reach AS r USING (ask, account_id) JOIN ask AS a USING (ask)
  WHERE d.day >= r.opens AND d.day < r.ends AND a.kpi IN ('subscriber_gain', 'subscriber_growth'))
GROUP BY ask, account_id, island;

CREATE TABLE gain_edge AS
SELECT DISTINCT account_id, unnest([since, until_, opens, ends]) AS at_, unnest([until_, until_, ends, ends]) AS ends
FROM run;

CREATE TABLE count_at AS
SELECT DISTINCT account_id, at_, ends, CASE
  WHEN at_ - (last_day + 1) <= tolerance THEN last_day
  WHEN next_day + 1 - at_ <= tolerance OR (last_day IS NULL AND next_day < ends AND next_before IS NOT NULL)
    THEN next_day END AS of_day,
  CASE WHEN of_day = last_day THEN last_count
    WHEN next_day + 1 - at_ <= tolerance THEN coalesce(next_before, next_count) ELSE next_before END AS count_
FROM around('gain_edge'), department;

CREATE MACRO difference(start_count, start_day, end_count, end_day) AS
  CASE WHEN start_day <> end_day THEN end_count - start_count END;

CREATE TABLE gain_of AS
WITH parts AS (
  SELECT r.ask, r.account_id, r.opens, r.ends, count(*) AS parts, min(r.since) AS first_day,
    max(r.until_) AS end_day, count(difference(s.count_, s.of_day, e.count_, e.of_day)) AS known,
    sum(difference(s.count_, s.of_day, e.count_, e.of_day)) AS gain
  FROM run AS r
  JOIN count_at AS s ON s.account_id = r.account_id AND s.at_ = r.since AND s.ends = r.until_
  JOIN count_at AS e ON e.account_id = r.account_id AND e.at_ = r.until_ AND e.ends = r.until_
  GROUP BY r.ask, r.account_id, r.opens, r.ends)
SELECT p.ask, p.account_id, CASE
  WHEN p.known = p.parts THEN p.gain
  WHEN (p.parts > 1 OR p.first_day > p.opens OR p.end_day < p.ends) AND 7 * (
    SELECT count(*) FROM known_count AS k
    WHERE k.account_id = p.account_id AND k.day >= p.opens AND k.day < p.ends) < p.ends - p.opens
    THEN difference(s.count_, s.of_day, e.count_, e.of_day) END AS gain
FROM parts AS p
JOIN count_at AS s ON s.account_id = p.account_id AND s.at_ = p.opens AND s.ends = p.ends
JOIN count_at AS e ON e.account_id = p.account_id AND e.at_ = p.ends AND e.ends = p.ends;

-- What happened, by account, for the KPIs that divide by a stock.
CREATE TABLE flow (ask INTEGER, account_id VARCHAR, amount BIGINT);
INSERT INTO flow SELECT k.ask, k.account_id, k.gone
FROM audience_of AS k JOIN ask AS a USING (ask) WHERE a.kpi = 'churn_rate';
INSERT INTO flow SELECT g.ask, g.account_id, g.gain
FROM gain_of AS g JOIN ask AS a USING (ask) WHERE a.kpi = 'subscriber_growth' AND g.gain IS NOT NULL;
INSERT INTO flow SELECT DISTINCT k.ask, k.account_id, 0
FROM audience_of AS k JOIN any_stock AS s USING (ask, account_id) JOIN ask AS a USING (ask)
JOIN known_count AS b ON b.account_id = k.account_id AND b.day = k.day - 1
WHERE a.kpi = 'subscriber_growth' AND NOT s.is_open AND k.subscribers IS NOT NULL;

INSERT INTO fact
SELECT a.ask, sum(s.closing), NULL, 0, 0, count(s.account_id), count(*) FILTER (s.account_id IS NOT NULL
  AND s.closing IS NULL), CASE WHEN count(s.closing) = 0 THEN 'no_level' END
FROM ask AS a LEFT JOIN stock AS s USING (ask) WHERE a.kpi = 'subscribers' GROUP BY a.ask;

INSERT INTO fact
SELECT a.ask, sum(g.gain), NULL, 0, 0, count(s.account_id), count(s.account_id) - count(g.gain),
  CASE WHEN count(g.gain) = 0 THEN 'no_gain' END
FROM ask AS a LEFT JOIN stock AS s USING (ask)
LEFT JOIN gain_of AS g ON g.ask = s.ask AND g.account_id = s.account_id
WHERE a.kpi = 'subscriber_gain' GROUP BY a.ask;

-- `left` of an account without a known one is not known by silence.
INSERT INTO fact
WITH rows_of AS (
  SELECT s.ask, s.account_id, count(k.day) AS n, sum(k.gone) AS gone, count(k.day) - count(k.gone) AS unknown
  FROM any_stock AS s LEFT JOIN audience_of AS k USING (ask, account_id)
  GROUP BY s.ask, s.account_id HAVING any_value(s.is_open) OR count(k.gone) > 0)
SELECT a.ask, coalesce(sum(r.gone), 0), NULL, coalesce(sum(r.n), 0), coalesce(sum(r.unknown), 0),
  count(r.account_id), count(*) FILTER (r.n = r.unknown), NULL
FROM ask AS a LEFT JOIN rows_of AS r USING (ask) WHERE a.kpi = 'unsubscribed' GROUP BY a.ask;
