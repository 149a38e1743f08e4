"""The inside of rfm: purchases of customers, for models of buying till death."""
