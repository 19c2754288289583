"""Views: what the templates show of each part of a report, in words, numbers and finished figures."""
