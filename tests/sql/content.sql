-- Group 10.

-- "Posts published in P, not deleted by `as_of`."
INSERT INTO fact
SELECT a.ask, count(p.post_id), NULL, 0, 0, 0, 0, NULL
FROM ask AS a LEFT JOIN post_of AS p USING (ask) WHERE a.kpi = 'posts_published' GROUP BY a.ask;

-- "An item is due when `due_at` + tolerance ≤ `as_of`; a missing, late or deleted post is not fulfilled
-- whatever its `on_brand`; items cancelled before `due_at`, or approved only after it, are left out."
CREATE TABLE due AS
SELECT i.plan_id, i.account_id, i.day,
  CASE WHEN p.post_id IS NULL OR coalesce(happened(p.deleted_at), FALSE) THEN FALSE
    WHEN epoch_us(p.published_at) > epoch_us(i.due_at) + d.tolerance_us THEN FALSE
    ELSE coalesce(p.on_brand, i.on_brand) END AS fulfilled
FROM plan AS i LEFT JOIN posts AS p USING (account_id, post_id), department AS d, cutoff AS c
WHERE i.approved AND epoch_us(i.due_at) + d.tolerance_us <= epoch_us(c.as_of)
  AND NOT coalesce(i.cancelled_at < i.due_at, FALSE) AND NOT coalesce(i.approved_at > i.due_at, FALSE);

-- "Plan items whose post has `on_brand` unknown are left out and counted in a note; over 10 % unknown, the
-- KPI is not assessable."
INSERT INTO fact
SELECT a.ask, count(*) FILTER (i.fulfilled), count(i.fulfilled), count(i.plan_id),
  count(i.plan_id) - count(i.fulfilled), 0, 0, NULL
FROM ask AS a LEFT JOIN ask_day AS d USING (ask) LEFT JOIN due AS i USING (account_id, day)
WHERE a.kpi = 'plan_fulfilment' GROUP BY a.ask;
