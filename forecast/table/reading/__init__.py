"""Reading: a file to cells as typed, and as numbers and dates."""
