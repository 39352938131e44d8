"""One scenario through the client libraries that people use, on hognose and on a real server as the control.

    python -m compat.clients --server hognose redis-7.0

Every client has a program of its own that goes through the same steps in its library's own words, because what breaks
in practice is what a library does with a reply. See `scenario.py` for the steps and how programs report.
"""
