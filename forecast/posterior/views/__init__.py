"""Views of a fit: one task with its curve, threshold and runs, as figures and reports show it."""
