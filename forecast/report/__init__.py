"""The report: what is shown, in words and HTML."""
