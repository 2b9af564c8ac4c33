-- The canonical tables (section 3 of the design), typed. The runner has loaded every cell as text into
-- raw_<table>, with NULL for what is empty, for absent columns and, without rows, for absent tables;
-- `department` is one row of settings. The time zone of the session is the department's, so that a naive time
-- is read in it, a date becomes its local midnight, and a time the local date.

CREATE MACRO flag(cell) AS lower(cell) IN ('true', '1', 'yes');
CREATE MACRO moment(cell) AS CAST(cell AS TIMESTAMPTZ);

CREATE TABLE accounts AS
SELECT account_id, platform, CAST(opened AS DATE) AS opened, CAST(closed AS DATE) AS closed FROM raw_accounts;

CREATE TABLE audience AS
SELECT DISTINCT CAST("date" AS DATE) AS day, account_id, CAST(subscribers AS BIGINT) AS subscribers,
  CAST(joined AS BIGINT) AS joined, CAST("left" AS BIGINT) AS gone
FROM raw_audience;

CREATE TABLE posts AS
SELECT DISTINCT post_id, account_id, moment(published_at) AS published_at,
  CAST(moment(published_at) AS DATE) AS day, CAST(views AS BIGINT) AS views, CAST(likes AS BIGINT) AS likes,
  CAST(comments AS BIGINT) AS comments, CAST(reposts AS BIGINT) AS reposts, flag(on_brand) AS on_brand,
  moment(stats_at) AS stats_at, moment(deleted_at) AS deleted_at
FROM raw_posts;

CREATE TABLE post_increments AS
SELECT DISTINCT account_id, post_id, CAST(since AS DATE) AS since, CAST("until" AS DATE) AS until_,
  CAST(views AS BIGINT) AS views, CAST(likes AS BIGINT) AS likes, CAST(comments AS BIGINT) AS comments,
  CAST(reposts AS BIGINT) AS reposts
FROM raw_post_increments;

CREATE TABLE post_stats AS
SELECT DISTINCT account_id, post_id, moment(stats_at) AS stats_at, CAST(views AS BIGINT) AS views,
  CAST(likes AS BIGINT) AS likes, CAST(comments AS BIGINT) AS comments, CAST(reposts AS BIGINT) AS reposts
FROM raw_post_stats;

CREATE TABLE comments AS
SELECT DISTINCT comment_id, account_id, moment(created_at) AS created_at,
  CAST(moment(created_at) AS DATE) AS day, flag(by_brand) AS by_brand, "text", flag(meaningful) AS meaningful
FROM raw_comments;

CREATE TABLE messages AS
SELECT DISTINCT account_id, dialog_id, message_id, kind, moment("at") AS at_, flag(by_brand) AS by_brand, author,
  reply_to, flag(automatic) AS automatic, flag(closing) AS closing
FROM raw_messages;

CREATE TABLE stated_inquiries AS
SELECT DISTINCT inquiry_id, account_id, kind, moment(received_at) AS received_at,
  CAST(moment(received_at) AS DATE) AS day, moment(answered_at) AS answered_at
FROM raw_inquiries;

CREATE TABLE leads AS
SELECT DISTINCT source, lead_id, account_id, status, moment(created_at) AS created_at,
  CAST(moment(created_at) AS DATE) AS day, flag(qualified) AS qualified, moment(sold_at) AS sold_at,
  CAST(sale_amount AS DOUBLE) AS sale_amount, currency, moment(refunded_at) AS refunded_at
FROM raw_leads;

CREATE TABLE traffic AS
SELECT DISTINCT CAST("date" AS DATE) AS day, account_id, CAST(visits AS BIGINT) AS visits FROM raw_traffic;

CREATE TABLE brand_queries AS
SELECT DISTINCT CAST(since AS DATE) AS since, CAST("until" AS DATE) AS until_, brand, phrase,
  CAST(queries AS BIGINT) AS queries
FROM raw_brand_queries;

CREATE TABLE mentions AS
SELECT DISTINCT mention_id, brand, moment(mentioned_at) AS mentioned_at,
  CAST(moment(mentioned_at) AS DATE) AS day, platform, sentiment, flag(by_brand) AS by_brand
FROM raw_mentions;

CREATE TABLE plan AS
SELECT DISTINCT plan_id, account_id, moment(due_at) AS due_at, CAST(moment(due_at) AS DATE) AS day,
  flag(approved) AS approved, post_id, flag(on_brand) AS on_brand, moment(approved_at) AS approved_at,
  moment(cancelled_at) AS cancelled_at
FROM raw_plan;

CREATE TABLE totals AS
SELECT DISTINCT account_id, measure, CAST(since AS DATE) AS since, CAST("until" AS DATE) AS until_,
  CAST("value" AS DOUBLE) AS amount
FROM raw_totals;

CREATE TABLE coverage AS
SELECT "table" AS tbl, scope, CAST(since AS DATE) AS since, CAST("until" AS DATE) AS until_ FROM raw_coverage;

-- "Where the table `coverage` is missing altogether, a table is taken as covered from its first to its last
-- row", and that for every account.
CREATE TABLE extent AS
SELECT tbl, first_day, last_day FROM (
  SELECT 'audience' AS tbl, min(day) AS first_day, max(day) AS last_day FROM audience
  UNION ALL SELECT 'posts', min(day), max(day) FROM posts
  UNION ALL SELECT 'comments', min(day), max(day) FROM comments
  UNION ALL SELECT 'inquiries', min(day), max(day) FROM stated_inquiries
  UNION ALL SELECT 'messages', min(CAST(at_ AS DATE)), max(CAST(at_ AS DATE)) FROM messages
  UNION ALL SELECT 'leads', min(day), max(day) FROM leads
  UNION ALL SELECT 'traffic', min(day), max(day) FROM traffic
  UNION ALL SELECT 'brand_queries', min(since), max(until_) - 1 FROM brand_queries
  UNION ALL SELECT 'mentions', min(day), max(day) FROM mentions
  UNION ALL SELECT 'plan', min(day), max(day) FROM plan)
WHERE first_day IS NOT NULL;
