"""Counts in words, as every output writes them."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: '1 task', '2 tasks', '3 families'."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: list[str], most: int = 3) -> str:
    """The first names of a list and how many more there are: 'a, b, c and 4 more'."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def plain_power(value: float, form: str = "g") -> str:
    """A number as people type it: '1e23', not '1e+23'."""
    return f"{value:{form}}".replace("e+", "e")
