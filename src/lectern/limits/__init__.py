"""How often and how much: rates for each caller, budgets for each day. Decides; counts by a port."""
