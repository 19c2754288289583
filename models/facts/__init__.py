"""Facts of a table before it is fitted: plain NumPy, nothing random."""
