"""Databases: keys, their values, their deadlines, and who wants to know when they change."""
