"""The story of a trace: one order's way through processes that know nothing of each other, as X-Ray gets to see it."""
