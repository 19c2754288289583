"""Equations: bare functions of numbers that import nothing of the project."""
