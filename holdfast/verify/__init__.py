"""Proof that a deployed store holds: checks from outside, against any target."""
