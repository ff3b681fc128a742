"""The story of a trip: three companies, the third one has nothing left, and the other two are undone."""
