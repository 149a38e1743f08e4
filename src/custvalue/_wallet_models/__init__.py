"""The inside of the room ``wallet``: the wallet without a survey."""
