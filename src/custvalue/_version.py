"""The version, as a literal: reading package metadata would read files at import."""

__version__ = "0.1.0"
