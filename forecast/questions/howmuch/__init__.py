"""Parameters and tokens that a capability takes."""
