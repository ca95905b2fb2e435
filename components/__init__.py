"""Wishes: one Pulumi component a file, each beside the script it runs on the host."""
