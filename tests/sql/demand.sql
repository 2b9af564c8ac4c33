-- Groups 7, 8 and 9.

INSERT INTO fact
SELECT a.ask, coalesce(sum(t.visits), 0), NULL, count(t.visits), 0, 0, 0, NULL
FROM ask AS a LEFT JOIN ask_day AS d USING (ask)
LEFT JOIN (SELECT * FROM traffic WHERE is_over(day)) AS t USING (account_id, day)
WHERE a.kpi = 'social_visits' GROUP BY a.ask;

-- "Σ queries of rows that tile P exactly; each (brand, phrase) is tiled once, by its coarsest rows". Of an
-- interim period the rows may tile up to the cut-off.
CREATE TABLE query_window AS
SELECT a.ask, b.brand, a.start_, least(a.end_, CAST(c.as_of AS DATE)) AS end_
FROM ask AS a JOIN ask_brand AS b USING (ask), cutoff AS c WHERE a.kpi = 'brand_queries';

CREATE TABLE known_queries AS SELECT * FROM brand_queries WHERE is_over(until_ - 1);

CREATE TABLE tiling AS
WITH RECURSIVE tiles AS (
  SELECT w.start_, w.end_, q.brand, q.phrase, q.until_ AS reached, 1 AS n, q.queries
  FROM (SELECT DISTINCT start_, end_, brand FROM query_window) AS w
  JOIN known_queries AS q ON q.brand = w.brand AND q.since = w.start_ AND q.until_ <= w.end_
  UNION ALL
  SELECT t.start_, t.end_, t.brand, t.phrase, q.until_, t.n + 1, t.queries + q.queries
  FROM tiles AS t JOIN known_queries AS q
    ON q.brand = t.brand AND q.phrase = t.phrase AND q.since = t.reached AND q.until_ <= t.end_)
SELECT start_, end_, brand, phrase, arg_min(queries, n) AS queries
FROM tiles WHERE reached = end_ GROUP BY ALL;

-- A phrase with rows in P that do not tile it makes the value not assessable, and so does a brand without any
-- row in P; a phrase without any is no part of it.
CREATE TABLE phrase_of AS
SELECT DISTINCT w.ask, w.brand, q.phrase, t.queries
FROM query_window AS w
LEFT JOIN known_queries AS q ON q.brand = w.brand AND q.since < w.end_ AND q.until_ > w.start_
LEFT JOIN tiling AS t ON t.start_ = w.start_ AND t.end_ = w.end_
  AND t.brand = q.brand AND t.phrase = q.phrase;

-- "Changes use the phrases known in both periods."
CREATE TABLE shared_phrase AS
SELECT unnest([p.now_ask, p.then_ask]) AS ask, n.brand, n.phrase
FROM pair AS p JOIN phrase_of AS n ON n.ask = p.now_ask JOIN phrase_of AS t ON t.ask = p.then_ask
  AND t.brand = n.brand AND t.phrase = n.phrase
WHERE n.queries IS NOT NULL AND t.queries IS NOT NULL;

INSERT INTO fact
SELECT a.ask, sum(p.queries), NULL, 0, 0, 0, 0, CASE WHEN bool_or(p.queries IS NULL) THEN 'not_tiled' END
FROM ask AS a LEFT JOIN phrase_of AS p USING (ask)
WHERE a.kpi = 'brand_queries' AND a.versus IS NULL GROUP BY a.ask
UNION ALL
SELECT a.ask, sum(s.queries), NULL, 0, 0, 0, 0,
  CASE WHEN bool_or(s.queries IS NULL) THEN 'no_shared_phrases' END
FROM ask AS a LEFT JOIN ask_brand AS b USING (ask)
LEFT JOIN (phrase_of SEMI JOIN shared_phrase USING (ask, brand, phrase)) AS s
  ON s.ask = b.ask AND s.brand = b.brand
WHERE a.kpi = 'brand_queries' AND a.versus IS NOT NULL GROUP BY a.ask;

-- "Mentions in P, not by the brand"; "a KPI entry may set `sentiment`", and `platforms` narrows by the
-- mention's own. Under such a filter a mention of which that is unknown is unknown itself.
CREATE TABLE mention_of AS
SELECT a.ask, m.mention_id,
  (e.sentiment IS NULL OR list_contains(e.sentiment, m.sentiment))
    AND (e.platforms IS NULL OR list_contains(e.platforms, m.platform)) AS counts
FROM ask AS a JOIN brand_day AS b USING (ask) JOIN entries AS e USING (person, entry)
JOIN mentions AS m ON m.brand = b.brand AND m.day = b.day
WHERE a.kpi = 'brand_mentions' AND happened(m.mentioned_at) AND NOT coalesce(m.by_brand, FALSE);

INSERT INTO fact
SELECT a.ask, count(*) FILTER (m.counts), NULL, count(m.mention_id),
  count(m.mention_id) - count(m.counts), 0, 0, NULL
FROM ask AS a LEFT JOIN mention_of AS m USING (ask) WHERE a.kpi = 'brand_mentions' GROUP BY a.ask;
