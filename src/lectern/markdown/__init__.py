"""How Markdown and MDX are read here: rules for markdown-it, front matter, heading ids and anchors."""
