"""Where our own files lie on a host."""

HOME = "/var/lib/gpuhost"
INCOMING = f"{HOME}/incoming"
STAMPS = f"{HOME}/stamps"
