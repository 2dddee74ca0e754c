"""Real engines for the tests: installed once, started on loopback, stopped by pid."""
