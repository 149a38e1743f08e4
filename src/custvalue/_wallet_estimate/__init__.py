"""The inside of the room ``wallet``: one estimate for every route."""
