"""Names of models: what a result calls a model, and which row of the table of models that is."""
