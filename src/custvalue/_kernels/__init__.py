"""Numbers in, numbers out: the arithmetic of every room, without checks and without frames."""
