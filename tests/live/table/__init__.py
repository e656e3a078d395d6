"""A table of sessions between real programs, each with what must be said of it and nothing else."""
