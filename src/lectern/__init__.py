"""Lectern: cited, streamed answers from a site's own pages."""

__version__ = "0.1.0"
