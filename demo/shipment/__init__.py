"""The story of parcels: a carrier reports them in any order, and their customer hears of each milestone once."""
