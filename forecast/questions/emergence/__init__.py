"""Whether a jump is the metric's doing."""
