"""STAND-IN for Pulumi's command plugin 1.2.1."""
