"""The command line, a file a verb. `./entrypoint.sh VERB` calls it.

Exit codes: 0 done · 2 wrong arguments · 65 nothing usable in what was given · 69 a Space does not run what was pushed
· 75 a part is not available, try again · 77 not allowed · 78 wrong settings.
"""
