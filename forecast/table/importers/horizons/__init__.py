"""Horizons: agent tasks by the time that they take a human, and the length at which an agent succeeds at half."""
