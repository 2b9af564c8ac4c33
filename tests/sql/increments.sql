-- "The figure at an instant is the one at the latest `stats_at` before it (0 at publication) plus the fewest increments
-- that tile from there; where they do not, unknown." Increments end at midnight: none tiles from a figure of
-- another time. A figure of which no time is known stands as it is.
CREATE TABLE figure_name AS SELECT unnest(['views', 'likes', 'comments', 'reposts']) AS figure;
CREATE MACRO picked(figure, views, likes, comments, reposts) AS
  CASE figure WHEN 'views' THEN views WHEN 'likes' THEN likes WHEN 'comments' THEN comments ELSE reposts END;

CREATE TABLE step AS
SELECT * FROM (
  SELECT i.account_id, i.post_id, f.figure, i.since, i.until_,
    picked(f.figure, i.views, i.likes, i.comments, i.reposts) AS amount
  FROM post_increments AS i, figure_name AS f WHERE is_over(i.until_ - 1))
WHERE amount IS NOT NULL;

CREATE TABLE timed_figure AS
SELECT * FROM (
  SELECT p.account_id, p.post_id, f.figure, p.stats_at, 0 AS rank,
    picked(f.figure, p.views, p.likes, p.comments, p.reposts) AS amount
  FROM posts AS p, figure_name AS f
  UNION ALL
  SELECT s.account_id, s.post_id, f.figure, s.stats_at, 1, picked(f.figure, s.views, s.likes, s.comments, s.reposts)
  FROM post_stats AS s, figure_name AS f WHERE happened(s.stats_at))
WHERE amount IS NOT NULL;

CREATE TABLE base AS
SELECT p.account_id, p.post_id, s.figure, max(t.stats_at) AS at_,
  coalesce(first(t.amount ORDER BY t.stats_at DESC, t.rank), 0) AS amount,
  CAST(coalesce(at_, any_value(p.published_at)) AS DATE) AS start_,
  at_ IS NULL OR at_ = CAST(start_ AS TIMESTAMPTZ) AS at_midnight
FROM posts AS p JOIN (SELECT DISTINCT account_id, post_id, figure FROM step) AS s USING (account_id, post_id)
LEFT JOIN timed_figure AS t USING (account_id, post_id, figure)
GROUP BY p.account_id, p.post_id, s.figure HAVING count(*) FILTER (t.amount IS NOT NULL AND t.stats_at IS NULL) = 0;

CREATE TABLE later_step AS
SELECT s.*, b.start_, max(s.until_) OVER (PARTITION BY s.account_id, s.post_id, s.figure) AS last_end
FROM step AS s JOIN base AS b USING (account_id, post_id, figure) WHERE s.until_ > b.start_;

CREATE TABLE tiled_steps AS
WITH RECURSIVE tiles AS (
  SELECT account_id, post_id, figure, last_end, until_ AS reached, 1 AS n, amount
  FROM later_step WHERE since = start_
  UNION ALL
  SELECT t.account_id, t.post_id, t.figure, t.last_end, s.until_, t.n + 1, t.amount + s.amount
  FROM tiles AS t JOIN later_step AS s USING (account_id, post_id, figure) WHERE s.since = t.reached)
SELECT account_id, post_id, figure, arg_min(amount, n) AS amount
FROM tiles WHERE reached = last_end GROUP BY account_id, post_id, figure;

CREATE TABLE grown AS
SELECT b.account_id, b.post_id, b.figure, l.last_end,
  CASE WHEN l.last_end IS NULL THEN b.amount WHEN b.at_midnight THEN b.amount + t.amount END AS amount
FROM base AS b LEFT JOIN tiled_steps AS t USING (account_id, post_id, figure)
LEFT JOIN (SELECT DISTINCT account_id, post_id, figure, last_end FROM later_step) AS l USING (account_id, post_id, figure);

-- The figures of a post have the age of the one that is known up to the earliest day.
CREATE TABLE grown_posts AS
WITH wide AS (
  SELECT account_id, post_id, CAST(min(last_end) AS TIMESTAMPTZ) AS stats_at, list(figure) AS has,
    any_value(amount) FILTER (figure = 'views') AS views, any_value(amount) FILTER (figure = 'likes') AS likes,
    any_value(amount) FILTER (figure = 'comments') AS comments,
    any_value(amount) FILTER (figure = 'reposts') AS reposts
  FROM grown GROUP BY account_id, post_id)
SELECT p.* REPLACE (coalesce(w.stats_at, p.stats_at) AS stats_at,
  CASE WHEN list_contains(w.has, 'views') THEN w.views ELSE p.views END AS views,
  CASE WHEN list_contains(w.has, 'likes') THEN w.likes ELSE p.likes END AS likes,
  CASE WHEN list_contains(w.has, 'comments') THEN w.comments ELSE p.comments END AS comments,
  CASE WHEN list_contains(w.has, 'reposts') THEN w.reposts ELSE p.reposts END AS reposts)
FROM posts AS p LEFT JOIN wide AS w USING (account_id, post_id);
