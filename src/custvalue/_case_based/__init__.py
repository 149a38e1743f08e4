"""The inside of the room ``cbr``: case bases, the classifier, and its explanations."""
