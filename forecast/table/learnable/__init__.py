"""Learnable parts: what the rows of a table can tell, before any fit."""
