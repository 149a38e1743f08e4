"""The inside of the room ``basket``: itemsets, pairs, rules, and what chance would give."""
