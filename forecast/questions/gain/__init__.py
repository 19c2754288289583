"""The question `gain`: the compute that a recipe is worth."""
