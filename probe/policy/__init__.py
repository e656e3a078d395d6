"""Standards as data: rules in TOML, what they are made of, and how they are applied to facts."""
