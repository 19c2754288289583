"""Registered forecasts: frozen before the outcomes, sealed, scored when these arrive, and kept as a record."""
