"""The question `moved`: what changed between two fits of one study."""
