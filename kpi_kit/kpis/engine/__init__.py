"""The engine of the KPIs: it turns unit frames into values by bucket, account and platform."""
