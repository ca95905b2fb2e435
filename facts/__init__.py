"""Observations of a live host, read-only: each class is the twin of a component and says what is, not what was asked.

They read the effect - `/proc`, cgroup files, the running daemon - since records lie: `docker inspect` still
shows a shared-memory size that the host's IPC namespace has made meaningless.
"""
