"""Commands of one question about a fit: one file a question."""
