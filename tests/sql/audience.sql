-- Groups 1 and 2: subscribers, subscriber_gain, unsubscribed; what growth and churn divide is in rates.sql.

-- The rows of each ask. "The difference to the account's previous row; a first row counts joined − left".
CREATE TABLE audience_of AS
SELECT d.ask, d.account_id, d.day, k.subscribers, k.gone,
  coalesce(k.subscribers - k.before, k.joined - k.gone) AS gain
FROM own_day AS d JOIN ask AS a USING (ask) JOIN known_audience AS k USING (account_id, day)
WHERE a.kpi IN (SELECT kpi FROM needs WHERE tbl = 'audience');

-- The stocks of each account of which days are expected: at the start, at the end ("last `subscribers` in P,
-- at most 7 days before its end"; "with `until` inside P the closing level is the last row before it") and
-- their mean ("means are over the rows that exist; nothing is filled in").
CREATE TABLE stock AS
SELECT r.ask, r.account_id,
  any_value(CASE WHEN o.fresh THEN o.last_subscribers WHEN o.next_day <= r.last_day THEN o.set_out_from END)
    AS opening,
  arg_max(k.subscribers, k.day) FILTER (k.day >= r.closes - 7 AND k.day < r.closes) AS closing,
  avg(k.subscribers) AS mean
FROM reach AS r JOIN ask AS a USING (ask)
JOIN opening AS o ON o.account_id = r.account_id AND o.opens = r.opens
LEFT JOIN audience_of AS k ON k.ask = r.ask AND k.account_id = r.account_id
WHERE r.closes IS NOT NULL AND a.kpi IN (SELECT kpi FROM needs WHERE tbl = 'audience')
GROUP BY r.ask, r.account_id;

-- What happened, by account, for the KPIs that divide by a stock.
CREATE TABLE flow (ask INTEGER, account_id VARCHAR, amount BIGINT);
INSERT INTO flow SELECT k.ask, k.account_id, k.gain
FROM audience_of AS k JOIN ask AS a USING (ask) WHERE a.kpi = 'subscriber_growth';
INSERT INTO flow SELECT k.ask, k.account_id, k.gone
FROM audience_of AS k JOIN ask AS a USING (ask) WHERE a.kpi = 'churn_rate';

INSERT INTO fact
SELECT a.ask, sum(s.closing), NULL, 0, 0, count(s.account_id), count(*) FILTER (s.account_id IS NOT NULL
  AND s.closing IS NULL), CASE WHEN count(s.closing) = 0 THEN 'no_level' END
FROM ask AS a LEFT JOIN stock AS s USING (ask) WHERE a.kpi = 'subscribers' GROUP BY a.ask;

INSERT INTO fact
SELECT a.ask, coalesce(sum(CASE a.kpi WHEN 'unsubscribed' THEN k.gone ELSE k.gain END), 0), NULL,
  count(k.day),
  count(*) FILTER (k.day IS NOT NULL AND CASE a.kpi WHEN 'unsubscribed' THEN k.gone ELSE k.gain END IS NULL),
  0, 0, NULL
FROM ask AS a LEFT JOIN audience_of AS k USING (ask)
WHERE a.kpi IN ('subscriber_gain', 'unsubscribed') GROUP BY a.ask;
