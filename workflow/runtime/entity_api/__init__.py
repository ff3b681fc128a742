"""Entities over HTTP: what is asked, what is answered, and in which form."""
