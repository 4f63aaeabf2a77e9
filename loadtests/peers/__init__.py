"""`make bench-peers`: Lectern beside hayhooks, a LiteLLM proxy and a ChatKit server, all in front of one stub."""
