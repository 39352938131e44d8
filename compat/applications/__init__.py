"""Applications that people run on a Redis server, each doing its real job on hognose for a while, and nothing lost.

    python -m compat.applications --server hognose redis-7.0 --seconds 60

Every application is a program of its own that puts work in, has it done by real workers, and counts what came out. See
`drive.py` for how programs report.
"""
