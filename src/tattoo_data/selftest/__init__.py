"""Self-test: whether all utilities work together here, tried out on stores of its own beside the user's."""
