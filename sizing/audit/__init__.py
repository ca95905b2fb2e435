"""Reads a container launch someone else wrote and says what it does, what is wrong, and what would be right."""
