"""The parts of the synthetic bank; import them from `synthetic_bank`."""
