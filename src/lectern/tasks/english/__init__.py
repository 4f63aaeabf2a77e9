"""Plain English about tasks, read by rules: what `grammar.py` is made of. Pure."""
