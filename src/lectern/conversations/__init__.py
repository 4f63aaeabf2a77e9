"""The session API: a reader's kept conversations, listed, read, named, exported, deleted; feedback."""
