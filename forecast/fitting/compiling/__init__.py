"""Models compiled: graphs and their hashes, log densities as machine code, and programs that sample."""
