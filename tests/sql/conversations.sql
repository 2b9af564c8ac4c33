-- "Inquiries are derived from `messages` up to `as_of`."

CREATE TABLE said AS
SELECT m.*, row_number() OVER dialog AS nr,
  max(CASE WHEN NOT by_brand THEN at_ END) OVER (dialog ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS asked_at
FROM messages AS m WHERE happened(at_)
WINDOW dialog AS (PARTITION BY account_id, dialog_id ORDER BY at_, TRY_CAST(message_id AS BIGINT), message_id);

-- "In a chat of several people inquiries are told apart by author."
CREATE TABLE asked AS
SELECT s.account_id, s.dialog_id, s.nr, s.message_id, s.kind, s.at_, coalesce(s.closing, FALSE) AS closing,
  CASE WHEN c.people > 1 THEN coalesce(s.author, '') ELSE '' END AS thread
FROM said AS s JOIN (
  SELECT account_id, dialog_id, count(DISTINCT author) FILTER (NOT by_brand) AS people
  FROM said GROUP BY account_id, dialog_id) AS c USING (account_id, dialog_id)
WHERE NOT s.by_brand;

-- "`automatic` is what the platform says, else a reply without an author within
-- `response.automatic_within_seconds`"; "a message of the brand answers the one it replies to, else all that are open":
-- where one person writes that makes no difference.
CREATE TABLE answer AS
SELECT s.account_id, s.dialog_id, s.nr, s.at_, q.thread
FROM said AS s CROSS JOIN department AS d
LEFT JOIN asked AS q ON q.account_id = s.account_id AND q.dialog_id = s.dialog_id AND q.message_id = s.reply_to
  AND q.nr < s.nr
WHERE s.by_brand AND NOT coalesce(s.automatic,
  s.author IS NULL AND s.asked_at IS NOT NULL AND epoch_us(s.at_) - epoch_us(s.asked_at) <= d.automatic_us);

CREATE TABLE event AS
SELECT *, row_number() OVER (PARTITION BY account_id, dialog_id, thread ORDER BY nr) AS place FROM (
  SELECT account_id, dialog_id, thread, nr, at_, kind, message_id, closing, FALSE AS is_answer FROM asked
  UNION ALL
  SELECT t.account_id, t.dialog_id, t.thread, a.nr, a.at_, NULL, NULL, FALSE, TRUE
  FROM (SELECT DISTINCT account_id, dialog_id, thread FROM asked) AS t
  JOIN answer AS a ON a.account_id = t.account_id AND a.dialog_id = t.dialog_id
    AND coalesce(a.thread, t.thread) = t.thread);

-- "An inquiry opens with the first message of the other side that is not a closing one"; "a message more than 72 hours
-- after the last of an unanswered inquiry opens another".
CREATE TABLE opened AS
WITH RECURSIVE walk AS (
  SELECT account_id, dialog_id, thread, 0 AS place, CAST(NULL AS TIMESTAMPTZ) AS last_at, FALSE AS opens
  FROM (SELECT DISTINCT account_id, dialog_id, thread FROM event)
  UNION ALL
  SELECT e.account_id, e.dialog_id, e.thread, e.place,
    CASE WHEN e.is_answer THEN NULL
      WHEN e.at_ - w.last_at <= INTERVAL 72 HOURS OR NOT e.closing THEN e.at_ ELSE w.last_at END,
    NOT e.is_answer AND NOT e.closing AND coalesce(e.at_ - w.last_at > INTERVAL 72 HOURS, TRUE)
  FROM walk AS w JOIN event AS e ON e.account_id = w.account_id AND e.dialog_id = w.dialog_id
    AND e.thread = w.thread AND e.place = w.place + 1)
SELECT account_id, dialog_id, thread, place FROM walk WHERE opens;

-- "Rows of `inquiries` stand beside them, but for the same account and kind on days that `messages` cover."
CREATE TABLE inquiries AS
SELECT i.inquiry_id, i.account_id, i.received_at, i.day, i.answered_at
FROM stated_inquiries AS i
WHERE (i.account_id, i.kind) NOT IN (SELECT (account_id, kind) FROM said)
  OR (i.account_id, i.day) NOT IN (SELECT (scope, day) FROM covered WHERE tbl = 'messages')
UNION ALL
SELECT e.dialog_id || '/' || e.message_id, e.account_id, e.at_, CAST(e.at_ AS DATE), min(a.at_)
FROM opened AS o JOIN event AS e USING (account_id, dialog_id, thread, place)
LEFT JOIN event AS a ON a.account_id = e.account_id AND a.dialog_id = e.dialog_id AND a.thread = e.thread
  AND a.is_answer AND a.place > e.place
GROUP BY ALL;
