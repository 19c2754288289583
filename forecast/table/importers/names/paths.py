"""Paths as names of models: the part of each that tells it from the others."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

NOTHING = re.compile(  # what a folder of weights is called whatever the model
    r"(?:hf|hugging-?face|models?|final|last|latest|best|main|weights|merged|converted|exports?|outputs?|snapshots?"
    r"|pytorch-model|ckpts?|checkpoints?|steps?|epochs?|iters?|iterations?|global|unsharded|v?[0-9]+|[0-9a-f]{40}"
    r"|(?:ckpt|checkpoint|step|epoch|iter|iteration|ep)[0-9]+)",
    re.IGNORECASE,
)
HUB_CACHE = re.compile(r"models--(?P<owner>.+?)--(?P<name>.+)")
HERE = (".", "..", "~", "")


@cache
def path_parts(name: str) -> tuple[str, ...]:
    r"""The parts of a name at its slashes; those that every path has are left out, and so is a slash at the end.

    >>> path_parts("/data/runs/d10/hf/"), path_parts("lab/toy-1b"), path_parts("C:\\runs\\d10")
    (('data', 'runs', 'd10', 'hf'), ('lab', 'toy-1b'), ('runs', 'd10'))
    """
    text = name.strip().replace("\\", "/")
    parts = [part.strip() for part in re.sub(r"^[A-Za-z]:/", "/", text).split("/")]
    parts = [part for part in parts if part not in HERE]
    for part in parts:
        if cached := HUB_CACHE.fullmatch(part):
            return cached["owner"], cached["name"]
    return tuple(parts) or (name.strip(),)


def tells_nothing(part: str) -> bool:
    """Whether every model may have a folder of this name: 'hf', 'checkpoint-1000', 'step1000-hf'."""
    return all(NOTHING.fullmatch(piece) for piece in re.split(r"[-_.@\s]+", part) if piece)


def readable_names(names: Iterable[str]) -> dict[str, str]:
    """The name in a table of each of these: of a path the shortest part that tells it from all others.

    >>> readable_names(["/runs/d10/hf/", "/runs/d14/hf/", "lab/toy-1b"])
    {'/runs/d10/hf/': 'd10', '/runs/d14/hf/': 'd14', 'lab/toy-1b': 'lab/toy-1b'}
    """
    parts = {name: path_parts(name) for name in names}
    ways = {path: list(dict.fromkeys(_ways(path))) for path in dict.fromkeys(parts.values())}
    holders: dict[str, int] = {}
    for way in (way for of_path in ways.values() for way in of_path):
        holders[way] = holders.get(way, 0) + 1
    found = {path: next((way for way in of_path if holders[way] == 1), of_path[-1]) for path, of_path in ways.items()}
    paths = {path for name, path in parts.items() if _is_path(name, path)}
    return {name: found[path] if path in paths else "/".join(path) for name, path in parts.items()}


def _is_path(name: str, parts: tuple[str, ...]) -> bool:
    """Whether a name is a place on a disk, and not an owner and a model."""
    text = name.strip()
    on_disk = text.startswith(("/", "~", ".", "\\")) or re.match(r"[A-Za-z]:[\\/]", text) is not None
    of_hub = re.search(r"models--.+?--", text) is not None
    return (on_disk and not of_hub) or (len(parts) > 1 and tells_nothing(parts[-1]))


def _ways(parts: tuple[str, ...]) -> Iterator[str]:
    """Names of a path, the best first: its last part that tells anything, the one above it, and longer ones."""
    telling = [place for place, part in enumerate(parts) if not tells_nothing(part)] or [len(parts) - 1]
    yield parts[telling[-1]]
    if len(telling) > 1:
        yield parts[telling[-2]]
    for start in range(telling[-1], -1, -1):
        if telling[-1] + 1 < len(parts) or start < telling[-1]:
            yield "/".join(parts[start:])
