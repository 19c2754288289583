"""Questions: one folder each, its answer as JSON and its figure."""
