"""Measurements of hognose beside real servers. Not part of the package that is installed."""
