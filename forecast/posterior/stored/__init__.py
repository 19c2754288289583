"""Stored fits: what a file must hold before anything is read off it."""
