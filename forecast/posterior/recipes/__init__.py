"""Recipes: how far a family, a date and a new run are ahead at equal compute."""
