"""The ticket core, its tables and its faces."""
