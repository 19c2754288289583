"""Known tasks: how answers of public benchmarks are given, the chance of a guess, items, and the parts of a task."""
