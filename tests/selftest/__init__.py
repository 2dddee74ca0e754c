"""The self-test's own tests."""
