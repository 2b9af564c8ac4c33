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

-- "In the department's currency by the rate of the day of the sale; without a rate not assessable": "by the latest
-- rate on or before its day, at most 14 days old". A sale without a currency is in the department's.
CREATE TABLE priced AS
SELECT s.lead_id, s.account_id, s.day, s.sale_amount,
  CASE WHEN coalesce(s.currency, d.currency) = d.currency THEN 1 ELSE r.rate END AS rate
FROM sold AS s CROSS JOIN department AS d LEFT JOIN rates AS r ON r.currency = s.currency AND r.day = (
  SELECT max(e.day) FROM rates AS e WHERE e.currency = s.currency AND e.day <= s.day AND e.day >= s.day - 14);

INSERT INTO fact
SELECT a.ask, CASE a.kpi WHEN 'sales' THEN count(s.lead_id) ELSE coalesce(sum(s.sale_amount * s.rate), 0) END, NULL,
  count(s.lead_id),
  CASE a.kpi WHEN 'sales' THEN 0 ELSE count(s.lead_id) - count(s.sale_amount) END, 0, 0,
  CASE WHEN a.kpi = 'sales_amount' AND count(*) FILTER (s.sale_amount IS NOT NULL AND s.rate IS NULL) > 0
    THEN 'no_rate' END
FROM ask AS a LEFT JOIN ask_day AS d USING (ask) LEFT JOIN priced AS s USING (account_id, day)
WHERE a.kpi IN ('sales', 'sales_amount') GROUP BY a.ask, a.kpi;
