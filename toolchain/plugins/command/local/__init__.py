"""Runs scripts on this machine."""
