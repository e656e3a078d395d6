"""Forms in which the outcome of a replay is given out."""
