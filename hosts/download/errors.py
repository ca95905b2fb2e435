"""What a download ends with when it does not end well."""


class DownloadError(Exception):
    """One sentence that names the file and what to do; nothing that was downloaded is lost."""


class PassingError(Exception):
    """A failure that may pass: the same request is made again, after `wait_s` where the server named a time."""

    def __init__(self, reason: str, wait_s: "float | None" = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
