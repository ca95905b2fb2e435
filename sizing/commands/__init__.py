"""The command line of sizing: one file a command."""
