"""Sensitivity of a threshold to the scales of the priors."""
