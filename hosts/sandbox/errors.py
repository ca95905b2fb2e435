"""The one error the sandbox raises: a sentence that says what is wrong and what would be right."""


class SandboxError(Exception):
    """Something about a sandbox host, its image or the engine underneath, in words for the operator."""
