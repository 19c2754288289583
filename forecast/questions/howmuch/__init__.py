"""The question `howmuch`: parameters and tokens that a capability takes."""
