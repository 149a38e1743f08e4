"""The inside of the room ``wallet``: the wallet from a survey or a loyalty sample."""
