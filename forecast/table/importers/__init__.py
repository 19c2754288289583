"""Importers: public result files to an observation table, one module a format."""
