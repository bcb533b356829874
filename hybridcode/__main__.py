"""`python -m hybridcode`.

Invariant: does exactly what the `hybridcode` command does.
"""

from hybridcode.launcher import main

if __name__ == "__main__":
    main()
