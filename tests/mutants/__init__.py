"""Mutants: the real code, each time broken in one place that matters. The simulator has to kill every one of them."""
