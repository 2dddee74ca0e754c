"""Campaigns: long tests with a count and a seed. A short one of each runs in CI, the whole by `python -m`."""
