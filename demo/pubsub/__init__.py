"""The story of invoices that are published: whoever wants to know hears of them, in order, once."""
