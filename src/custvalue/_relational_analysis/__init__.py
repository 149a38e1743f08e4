"""The inside of the room ``grey``: hierarchy, Deng's coefficients, two-level similarity."""
