-- Group 11.

-- "`response.calendar: business` counts only working hours": `shifts` has the working intervals in order and
-- the time worked before each; with the calendar `always` it is one interval without end. The time worked
-- between two moments is a difference of these.
CREATE TABLE shift AS
SELECT opens, closes, coalesce(sum(closes - opens) OVER (ORDER BY opens
  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
FROM shifts;

CREATE TABLE instant AS
SELECT at_, s.before + least(i.at_, s.closes) - s.opens AS worked
FROM (
  SELECT epoch_us(received_at) AS at_ FROM inquiries
  UNION SELECT epoch_us(answered_at) FROM inquiries WHERE answered_at IS NOT NULL
  UNION SELECT epoch_us(as_of) FROM cutoff) AS i
ASOF JOIN shift AS s ON i.at_ >= s.opens;

CREATE TABLE inquiry AS
SELECT q.inquiry_id, q.account_id, q.day, happened(q.answered_at) IS TRUE AS answered,
  CASE WHEN happened(q.answered_at) THEN a.worked ELSE c.worked END - r.worked AS waited,
  c.worked - r.worked >= d.sla_us AS due, d.sla_us
FROM inquiries AS q JOIN instant AS r ON r.at_ = epoch_us(q.received_at)
LEFT JOIN instant AS a ON a.at_ = epoch_us(q.answered_at)
JOIN instant AS c ON c.at_ = (SELECT epoch_us(as_of) FROM cutoff), department AS d
WHERE happened(q.received_at);

CREATE TABLE inquiry_of AS
SELECT a.ask, a.kpi, q.*
FROM ask AS a JOIN ask_day AS d USING (ask) JOIN inquiry AS q USING (account_id, day)
WHERE a.kpi IN ('response_rate', 'median_response_time');

-- "Inquiries received in P answered within the SLA / those whose deadline is not after `as_of`"; "answered
-- within the SLA means ≤".
INSERT INTO fact
SELECT a.ask, count(*) FILTER (q.due AND q.answered AND q.waited <= q.sla_us),
  count(*) FILTER (q.due), 0, 0, 0, 0, NULL
FROM ask AS a LEFT JOIN inquiry_of AS q USING (ask) WHERE a.kpi = 'response_rate' GROUP BY a.ask;

-- "The Kaplan–Meier median is the smallest t with S(t) ≤ 0.5; where that is never reached, not
-- assessable";
-- who waits still is censored at `as_of`. The margin is for S(t) = 1/2 as a product of fractions.
INSERT INTO fact
WITH moments AS (
  SELECT ask, waited, count(*) AS n, count(*) FILTER (answered) AS answered
  FROM inquiry_of WHERE kpi = 'median_response_time' GROUP BY ask, waited),
curve AS (
  SELECT ask, waited, answered,
    product(1 - answered / at_risk) OVER (PARTITION BY ask ORDER BY waited) AS survival
  FROM (SELECT *, sum(n) OVER (PARTITION BY ask ORDER BY waited DESC) AS at_risk FROM moments)),
median AS (
  SELECT ask, min(waited) / 3600000000 AS hours
  FROM curve WHERE answered > 0 AND survival <= 0.5 + 1e-12 GROUP BY ask)
SELECT a.ask, m.hours, NULL, 0, 0, 0, 0, CASE WHEN m.hours IS NULL THEN 'median_not_reached' END
FROM ask AS a LEFT JOIN median AS m USING (ask) WHERE a.kpi = 'median_response_time';
