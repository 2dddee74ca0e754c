"""For tests of users of the library: the contract that every store must pass, and builders of records."""
