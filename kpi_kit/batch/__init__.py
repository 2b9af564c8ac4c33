"""A run: plan it, execute its notebooks with papermill, publish what they made."""
