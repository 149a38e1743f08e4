"""The inside of the room ``basket`` above its rules: the network of products, bundles, and recommendations."""
