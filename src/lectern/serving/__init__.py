"""The process around an ASGI app: container limits, number of workers, draining, slow clients. It serves any app."""
