"""Files of lm-evaluation-harness: what they say of tasks, and samples beside results."""
