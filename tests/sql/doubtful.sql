-- "*Doubtful* counts of subscribers, unknown and noted, these rows alone: 0 after more than 100, until counts have
-- stayed under half the old level for 14 days; and more than double or under half (the larger over 100) that is back
-- within 20 % inside 14 days. `audience: {accept: …}` accepts a day." The old level is the last count that is
-- neither doubtful nor part of such a jump.
CREATE MACRO jumps(level, n) AS greatest(level, n) > 100 AND (n > 2 * level OR 2 * n < level);

CREATE TABLE count_list AS
SELECT a.account_id, list({'day': a.day, 'n': a.subscribers, 'accepted': c.day IS NOT NULL} ORDER BY a.day) AS counts
FROM audience AS a LEFT JOIN accepted AS c USING (account_id, day)
WHERE is_over(a.day) AND a.subscribers IS NOT NULL GROUP BY a.account_id;

-- The rows in order, with the next one that jumps from the row before it: up to there every row is the next level.
CREATE TABLE count_row AS
WITH listed AS (SELECT account_id, len(counts) AS length, unnest(counts) AS c, generate_subscripts(counts, 1) AS nr
  FROM count_list),
compared_row AS (SELECT *, jumps(lag(c.n) OVER (PARTITION BY account_id ORDER BY nr), c.n) AS leaps FROM listed)
SELECT account_id, nr, c.day, c.n, length, coalesce(min(CASE WHEN leaps THEN nr END) OVER (
  PARTITION BY account_id ORDER BY nr ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), length + 1) AS next_leap
FROM compared_row;

CREATE TABLE doubtful AS
WITH RECURSIVE walk AS (
  SELECT account_id, 1 AS nr, counts[1].n AS level, CAST([] AS DATE[]) AS doubted FROM count_list
  UNION ALL
  SELECT account_id, nr,
    CASE WHEN is_doubted THEN level WHEN NOT is_jump THEN n
      WHEN back IS NOT NULL OR (n = 0 AND NOT stays) THEN level ELSE n END,
    CASE WHEN is_doubted OR NOT is_jump THEN doubted
      WHEN back IS NOT NULL THEN list_concat(doubted, list_transform(list_filter(soon,
        lambda x: x.day < back AND jumps(level, x.n) AND NOT x.accepted), lambda x: x.day))
      WHEN n = 0 AND NOT stays THEN list_append(doubted, day)
      ELSE doubted END
  FROM (
    SELECT *, list_filter(counts, lambda x: x.day >= day AND x.day <= day + 14) AS soon,
      list_filter(soon, lambda x: abs(x.n - level) * 5 <= level)[1].day AS back,
      list_filter(counts, lambda x: x.day >= day + 14)[1].day AS ends,
      ends IS NOT NULL AND len(list_filter(counts,
        lambda x: x.day >= day AND x.day <= ends AND 2 * x.n >= level)) = 0 AS stays
    FROM (
      SELECT w.account_id, w.doubted, w.nr, w.level, c.counts, c.counts[w.nr].day AS day, c.counts[w.nr].n AS n,
        list_contains(w.doubted, day) AS is_doubted, jumps(w.level, n) AND NOT c.counts[w.nr].accepted AS is_jump
      FROM (
        SELECT w.account_id, w.doubted,
          w.level = r.n AND coalesce(list_max(w.doubted) <= r.day, TRUE) AS is_calm,
          CASE WHEN is_calm THEN r.next_leap ELSE w.nr + 1 END AS nr,
          CASE WHEN is_calm THEN b.n ELSE w.level END AS level
        FROM walk AS w JOIN count_row AS r USING (account_id, nr)
        JOIN count_row AS b ON b.account_id = w.account_id AND b.nr = r.next_leap - 1
        WHERE (CASE WHEN w.level = r.n AND coalesce(list_max(w.doubted) <= r.day, TRUE)
          THEN r.next_leap ELSE w.nr + 1 END) <= r.length) AS w
      JOIN count_list AS c USING (account_id))))
SELECT DISTINCT account_id, unnest(doubted) AS day FROM walk;

CREATE TABLE known_audience AS
SELECT a.* EXCLUDE subscribers, CASE WHEN d.day IS NULL THEN a.subscribers END AS subscribers,
  CASE WHEN d.day IS NULL THEN a.subscribers - a.joined + a.gone END AS before
FROM audience AS a LEFT JOIN doubtful AS d USING (account_id, day) WHERE is_over(a.day);

CREATE TABLE known_count AS SELECT * FROM known_audience WHERE subscribers IS NOT NULL;
