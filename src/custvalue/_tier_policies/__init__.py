"""The inside of the room ``tiers``: policies, replays, migration between levels, and value matrices."""
