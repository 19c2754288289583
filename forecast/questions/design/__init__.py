"""The question `design`: what to measure next."""
