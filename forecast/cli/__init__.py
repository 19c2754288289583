"""Commands: one file a family, no logic."""
