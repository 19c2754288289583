"""Figures of evidence: the track record, and how far a threshold rests on each prior."""
