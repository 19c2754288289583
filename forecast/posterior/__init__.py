"""Posteriors: a stored fit and what can be read off it, without PyMC."""
