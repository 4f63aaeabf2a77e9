"""Programs that ask with a key of their own: a site's server, a chat tool, a bot."""
