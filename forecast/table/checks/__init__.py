"""Checks: all that is wrong with a table, at once, and what in it is strange."""
