"""The probabilistic models: equations, priors, PyMC graphs. Nothing here knows files, sampling, plots or commands."""
