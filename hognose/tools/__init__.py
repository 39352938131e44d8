"""Tools for files that servers leave behind: `hognose check` and `hognose convert`.

They start no server and load nothing of one before they are asked for.
"""
