-- Groups 5 and 6.

CREATE TABLE lead_of AS
SELECT a.ask, l.*
FROM ask AS a JOIN ask_day AS d USING (ask) JOIN leads AS l USING (account_id, day)
WHERE a.kpi IN ('leads', 'qualified_leads', 'qualified_lead_rate') AND happened(l.created_at);

-- "`qualified` is unknown until someone qualifies the lead": the 10 % rule does not ask about it.
INSERT INTO fact
SELECT a.ask, CASE a.kpi WHEN 'leads' THEN count(l.lead_id) ELSE count(*) FILTER (l.qualified) END,
  CASE a.kpi WHEN 'qualified_lead_rate' THEN count(l.qualified) END, 0, 0, 0, 0, NULL
FROM ask AS a LEFT JOIN lead_of AS l USING (ask)
WHERE a.kpi IN ('leads', 'qualified_leads', 'qualified_lead_rate') GROUP BY a.ask, a.kpi;

-- "Sold is what is `won`, or of unknown status, and has a `sold_at`"; "a sale refunded before the end of its month
-- + `settle_days` counts nowhere", a later refund leaves it.
CREATE TABLE sold AS
SELECT lead_id, account_id, CAST(sold_at AS DATE) AS day, sale_amount
FROM leads, department AS d
WHERE happened(sold_at) AND coalesce(status, 'won') = 'won' AND NOT coalesce(happened(refunded_at) AND refunded_at
  <= CAST(CAST(date_trunc('month', CAST(sold_at AS DATE)) + INTERVAL 1 MONTH AS DATE) + d.settle_days AS TIMESTAMPTZ),
  FALSE);

INSERT INTO fact
SELECT a.ask, CASE a.kpi WHEN 'sales' THEN count(s.lead_id) ELSE coalesce(sum(s.sale_amount), 0) END, NULL,
  count(s.lead_id),
  CASE a.kpi WHEN 'sales' THEN 0 ELSE count(s.lead_id) - count(s.sale_amount) END, 0, 0, NULL
FROM ask AS a LEFT JOIN ask_day AS d USING (ask) LEFT JOIN sold AS s USING (account_id, day)
WHERE a.kpi IN ('sales', 'sales_amount') GROUP BY a.ask, a.kpi;
