"""The story of card payments: reports in any order, and a history of them that can be made again."""
