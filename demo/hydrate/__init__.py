"""The story of moving in: an old system's shipments become entities with histories."""
