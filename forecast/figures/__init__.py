"""Figures: style, curves, thresholds and SVG; no statistics."""
