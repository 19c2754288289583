"""Tables of scores as people publish them, one module a shape."""
