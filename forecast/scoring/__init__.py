"""Scores of forecasts against outcomes, and the baselines: frames and arrays only."""
