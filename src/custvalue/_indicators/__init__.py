"""The inside of the room ``rfm``: schema, indicators, the engine path, and scaling."""
