"""`make bench`: every target of docs/performance.md, measured in one run on one machine."""
