"""Fits: from a table to a posterior."""
