"""The checks: a module for each category, each with one table."""
