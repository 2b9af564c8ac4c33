-- Groups 3 and 4: views, view_rate, engagement_rate, likes, meaningful_comments; like_rate and
-- meaningful_comment_rate are divided in rates.sql.

-- "Deleted posts (`deleted_at` ≤ `as_of`) count nowhere."
CREATE TABLE post AS
SELECT p.*, d.settle_days * 86400000000 AS settles, epoch_us(p.stats_at) - epoch_us(p.published_at) AS age
FROM grown_posts AS p, department AS d
WHERE happened(p.published_at) AND NOT coalesce(happened(p.deleted_at), FALSE);

-- "Subscribers on the day of publication: that day's row, or else the last row of the 7 days before".
CREATE TABLE readers AS
SELECT p.account_id, p.post_id, k.subscribers
FROM post AS p ASOF JOIN known_count AS k ON k.account_id = p.account_id AND p.day >= k.day
WHERE k.day >= p.day - 7;

-- "The snapshot nearest to `settle_days` of age", the younger of two that are equally near, of those that
-- know what the KPI needs.
CREATE TABLE snapshot AS
SELECT n.kpi, p.account_id, p.post_id, s.views, s.likes, s.comments, s.reposts
FROM post AS p JOIN post_stats AS s USING (account_id, post_id),
  (SELECT unnest(['views', 'view_rate', 'likes', 'like_rate', 'engagement_rate']) AS kpi) AS n
WHERE happened(s.stats_at) AND CASE
  WHEN n.kpi IN ('views', 'view_rate') THEN s.views IS NOT NULL
  WHEN n.kpi IN ('likes', 'like_rate') THEN s.likes IS NOT NULL
  ELSE s.views + s.likes + s.comments + s.reposts IS NOT NULL END
QUALIFY row_number() OVER (PARTITION BY n.kpi, p.account_id, p.post_id
  ORDER BY abs(epoch_us(s.stats_at) - epoch_us(p.published_at) - p.settles), s.stats_at) = 1;

CREATE TABLE post_of AS
SELECT a.ask, a.kpi, a.change, p.*
FROM ask AS a JOIN ask_day AS d USING (ask) JOIN post AS p USING (account_id, day)
WHERE a.kpi IN ('views', 'view_rate', 'engagement_rate', 'likes', 'like_rate', 'posts_published');

-- "A change uses, where `post_stats` has snapshots, the snapshot … on both sides": where both sides have
-- some.
CREATE TABLE matured AS
WITH having_some AS (
  SELECT DISTINCT ask FROM post_of SEMI JOIN snapshot USING (kpi, account_id, post_id) WHERE change)
SELECT unnest([now_ask, then_ask]) AS ask
FROM pair WHERE now_ask IN (FROM having_some) AND then_ask IN (FROM having_some);

-- The figures of each post, and whether they are settled: "posts younger at `stats_at` than
-- `posts.settle_days` count in `views`, `likes` but are left out of `view_rate` and `engagement_rate`; an
-- unknown `stats_at` counts as settled". A snapshot speaks for its post, but not where the post is too young
-- at the cut-off for one of that age; a post without one keeps its figures in `posts`, and what they say of
-- its age.
CREATE TABLE figures AS
SELECT p.ask, p.kpi, p.change, p.post_id, p.account_id, m.ask IS NOT NULL AS mature,
  CASE WHEN m.ask IS NOT NULL AND s.post_id IS NOT NULL THEN s.views ELSE p.views END AS views,
  CASE WHEN m.ask IS NOT NULL AND s.post_id IS NOT NULL THEN s.likes ELSE p.likes END AS likes,
  CASE WHEN m.ask IS NOT NULL AND s.post_id IS NOT NULL THEN s.comments ELSE p.comments END AS comments,
  CASE WHEN m.ask IS NOT NULL AND s.post_id IS NOT NULL THEN s.reposts ELSE p.reposts END AS reposts,
  CASE WHEN m.ask IS NOT NULL AND s.post_id IS NOT NULL
    THEN epoch_us(p.published_at) + p.settles <= epoch_us(c.as_of)
    ELSE coalesce(p.age >= p.settles, TRUE) END AS settled
FROM post_of AS p LEFT JOIN snapshot AS s USING (kpi, account_id, post_id) LEFT JOIN matured AS m USING (ask), cutoff AS c;

INSERT INTO fact
SELECT a.ask, coalesce(sum(CASE a.kpi WHEN 'views' THEN f.views ELSE f.likes END), 0), NULL, count(f.post_id),
  count(*) FILTER (f.post_id IS NOT NULL AND CASE a.kpi WHEN 'views' THEN f.views ELSE f.likes END IS NULL),
  0, 0, NULL
FROM ask AS a LEFT JOIN figures AS f USING (ask) WHERE a.kpi IN ('views', 'likes') GROUP BY a.ask;

-- Both rates are over the posts of which everything needed is known.
CREATE TABLE rated AS
SELECT f.ask,
  CASE f.kpi WHEN 'view_rate' THEN f.views ELSE f.likes + f.comments + f.reposts END AS above,
  CASE f.kpi WHEN 'view_rate' THEN r.subscribers ELSE f.views END AS below
FROM figures AS f LEFT JOIN readers AS r USING (account_id, post_id)
WHERE f.kpi IN ('view_rate', 'engagement_rate') AND f.settled;

INSERT INTO fact
SELECT a.ask, sum(r.above) FILTER (r.below IS NOT NULL), sum(r.below) FILTER (r.above IS NOT NULL),
  count(r.ask), count(*) FILTER (r.ask IS NOT NULL AND r.above + r.below IS NULL), 0, 0, NULL
FROM ask AS a LEFT JOIN rated AS r USING (ask) WHERE a.kpi IN ('view_rate', 'engagement_rate') GROUP BY a.ask;

-- "Without snapshots, changes of rates compare settled posts only", like_rate among them.
INSERT INTO flow
SELECT ask, account_id, likes FROM figures
WHERE kpi = 'like_rate' AND (settled OR mature OR NOT change);

-- "After removing links, mentions, emoji and punctuation, at least 3 words of 2 or more letters, and none of
-- the phrases in `kpis/spam_phrases.txt`": phrases as whole words, without regard to case and ё.
CREATE MACRO bare(said) AS trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
  replace(lower(said), 'ё', 'е'),
  '\[(id|club|public)\d+\|[^\]]*\]', ' ', 'g'),
  '(https?://|www\.)\S+|\S+@\S+\.\S+|\b[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/\S*)?', ' ', 'g'),
  '@[\w.]+', ' ', 'g'),
  '[^\p{L}\p{N}]+', ' ', 'g'));

-- "`by_brand` unknown counts as not by the brand."
CREATE TABLE judged AS
SELECT c.*, coalesce(c.meaningful,
  len(list_filter(string_split(bare(c."text"), ' '), lambda word: regexp_matches(word, '\p{L}.*\p{L}'))) >= 3
  AND NOT EXISTS (SELECT 1 FROM spam AS s
    WHERE contains(' ' || bare(c."text") || ' ', ' ' || bare(s.phrase) || ' ')))
  AS counts
FROM comments AS c
WHERE happened(c.created_at) AND NOT coalesce(c.by_brand, FALSE);

CREATE TABLE comment_of AS
SELECT a.ask, a.kpi, c.account_id, CAST(c.counts AS BIGINT) AS counts
FROM ask AS a JOIN ask_day AS d USING (ask) JOIN judged AS c USING (account_id, day)
WHERE a.kpi IN ('meaningful_comments', 'meaningful_comment_rate');

INSERT INTO fact
SELECT a.ask, coalesce(sum(c.counts), 0), NULL, count(c.ask),
  count(*) FILTER (c.ask IS NOT NULL AND c.counts IS NULL), 0, 0, NULL
FROM ask AS a LEFT JOIN comment_of AS c USING (ask) WHERE a.kpi = 'meaningful_comments' GROUP BY a.ask;

INSERT INTO flow SELECT ask, account_id, counts FROM comment_of WHERE kpi = 'meaningful_comment_rate';
