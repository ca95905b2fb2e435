"""Brings a model's files to where they are needed, by a lock.

These files travel to a host as they are and run with its own Python: standard library alone, Python 3.8.
"""
