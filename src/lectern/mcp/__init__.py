"""The Model Context Protocol: search, answers and tasks as tools of other people's agents."""
