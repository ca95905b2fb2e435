"""vLLM's CPU build as a container image, made from packages alone and without a Docker Engine."""
