"""Runs: what every writing command does around the engine. The lock, the run with its before-images, undo and redo."""
