"""The story of signing up: the user never waits for the mail, and the mail goes once."""
