"""The inside of the room ``grey``: hierarchy, two-level similarity and retrieval, degrees, alternatives."""
