"""OpenAI's API: the site as a model, for whatever speaks that."""
