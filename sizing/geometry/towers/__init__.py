"""Image towers stored in the same checkpoint as the language model: tensors only, no keys or values are kept."""
