"""The inside of the room ``wallet``: whose spending fell or rose beyond peers, season, shocks and chance."""
