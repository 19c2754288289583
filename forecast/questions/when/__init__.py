"""The date at which a capability appears."""
