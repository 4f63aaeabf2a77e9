"""What a worker does when it starts and when it stops, under any ASGI host.

`lifespan` is the order of it; `preparation` what is waited for before the first request; `refreshing` what follows in
the background; `content` recognises a folder that did not change. `retention` deletes what is old, `restoring` goes on
with the day's budgets, and `charge` says which worker does what only one has to do.
"""
