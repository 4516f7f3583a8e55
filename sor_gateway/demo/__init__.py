"""`sor-gateway demo`: a whole desk trades a scenario before your eyes, and is audited."""
