"""Lectern's own accounts: signing up, in and out, profiles, everything held of a person."""
