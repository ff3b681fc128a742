"""Ratios against a reference in the same run, because machines are noisy: `make bench`."""
