"""The question `emergence`: whether a jump is the metric's doing."""
