"""Deterministic generator of the sample rollouts: one model of what happened, several files that saw it."""
