# SPDX-License-Identifier: Apache-2.0
"""usage: side.py pyro [NUMBER...], side.py pyrite PYRITE SERVER CLIENT [NUMBER...]

Runs the scenarios, or those with these numbers, on one of the two, and prints one JSON object: number
-> outcome.
"""
import sys
from harness import main

if sys.argv[1] == "pyro":
    import pyro_names, pyro_daemon, pyro_calls
    main(sys.argv[2:])
else:
    import pyrite_names, pyrite_daemon, pyrite_calls
    main(sys.argv[5:])
