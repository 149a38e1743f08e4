"""The inside of the room ``basket``: who holds what, as weighted distinct baskets, from tables of any engine."""
