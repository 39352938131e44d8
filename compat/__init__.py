"""hognose side by side with real servers and real clients: what users trust before they switch.

Not part of the package that is installed: nothing in `hognose/` imports from here, and the real servers are
oracles for tests and benchmarks, never runtime dependencies.
"""
