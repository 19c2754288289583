"""Results as evaluation tools write them, one module a tool."""
