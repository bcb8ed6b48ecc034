"""What this package raises."""


class DocumentError(ValueError):
    """A body that cannot be taken as the document it claims to be. The message is fit for the sender."""
