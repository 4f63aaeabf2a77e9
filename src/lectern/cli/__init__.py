"""The command line, a file a verb. `./entrypoint.sh VERB` calls it.

Exit codes: 0 done · 2 wrong arguments · 65 nothing usable in what was given · 75 a part is not available, try again ·
78 wrong settings.
"""
