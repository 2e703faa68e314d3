"""Replay: when a gate would have stopped the rollout, by the records it left; docs/replay.md has the definitions."""
