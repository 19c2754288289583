"""Values and paths as options give them."""
