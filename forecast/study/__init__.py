"""Studies: `study.toml` and carrying it out."""
