"""The question `when`: the date at which a capability appears."""
