"""Figures: headline, forest, curves, thresholds and records; style, SVG and files; no statistics."""
