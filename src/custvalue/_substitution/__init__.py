"""Which new product takes the place of which old one: flows, tests against chance, and whom to offer it."""
