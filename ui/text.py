"""Numbers as the app writes them."""


def percent(share: float, digits: int = 0) -> str:
    """A share 0..1 in per cent, with a space that does not break: `percent(0.966)` is "97 %"."""
    return f"{100 * share:.{digits}f}\u00a0%"
