"""Drills: a fault on purpose, writers at work meanwhile, and a verdict with figures."""
