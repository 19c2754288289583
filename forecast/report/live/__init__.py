"""Live part of the page: its data as compact JSON, and the script that draws it without a network."""
