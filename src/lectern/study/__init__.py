"""Chapters for other readers: translated, or adapted to what somebody knows; code, links and structure stay."""
