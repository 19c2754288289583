"""Back-tests: hide, forecast, score, and judge."""
