"""A tiny Mistral-architecture model with a real tokenizer, made on the spot and the same everywhere."""
