"""The inside of the room ``wallet``: alerts on yearly income, and single large movements."""
