"""KPI kit: fair and reproducible KPI reports for social-media specialists."""
