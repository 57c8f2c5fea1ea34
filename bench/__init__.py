"""Benchmarks: ratios against a peer in the same run. Not tests; nothing here can fail a build."""
