"""Runs scripts on and copies files to other machines over SSH, with paramiko."""

import logging

# Failures are reported as errors of the resource; paramiko's own words would only clutter the deployment.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False
