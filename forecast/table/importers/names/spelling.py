"""Spelling of names: what of a name does not depend on who writes it."""

import re
from functools import cache

PIECES = re.compile(r"[0-9]+(?:\.[0-9]+)*|[^\W\d_]+|[^\w\s-]")
PROVIDERS = {  # that run models of others; they stand before the name of the model
    *(
        "hf",
        "huggingface",
        "vllm",
        "sglang",
        "gguf",
        "llama-cpp-python",
        "ollama",
        "transformer_lens",
        "nnterp",
        "none",
    ),
    *("openai", "openai-api", "azure", "azureai", "anthropic", "google", "vertex", "bedrock", "aws", "mistral", "xai"),
    *(
        "grok",
        "groq",
        "together",
        "togetherai",
        "fireworks",
        "accounts",
        "models",
        "openrouter",
        "deepinfra",
        "litellm",
    ),
    *("cloudflare", "perplexity", "replicate", "local", "local-completions", "local-chat-completions"),
}
VENDOR = re.compile(r"^(?:(?:us|eu|apac)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek)\.(?=[a-z])")
VERSION = re.compile(r"(?<=[0-9])\.(?=[0-9]+(?![0-9.]*\s?-?[kmbt]\b))")  # the point of 3.5, not that of 1.5b
CONVERTED = re.compile(r"[-_ ]hf$")
MAIN = "@main"


def spelling(name: str) -> str:
    """The last part of a name, in small letters, its words and numbers apart.

    >>> spelling("meta-llama/Llama-2-7b") == spelling("Llama 2-7B") != spelling("Llama 27B")
    True
    """
    base, at, revision = name.strip().rstrip("/").partition("@")
    return spelt(base.rsplit("/", 1)[-1] + at + revision)


@cache
def spelt(part: str) -> str:
    """One part of a name in small letters, its words and numbers apart: '1-1b' and '11b' stay two names."""
    return " ".join(PIECES.findall(part.casefold()))


@cache
def loosened(part: str) -> str:
    """As `spelt`, without what tells a copy or a way to write a version: '-hf', '@main', '3-5' for '3.5'."""
    text = CONVERTED.sub("", part.casefold().strip().removesuffix(MAIN))
    return spelt(VERSION.sub("-", VENDOR.sub("", text)))


def without_provider(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The parts of a name after those of the provider that runs the model."""
    start = 0
    while start < len(parts) - 1 and parts[start].casefold() in PROVIDERS:
        start += 1
    return parts[start:]


def numbers(text: str) -> list[str]:
    """The numbers in a spelling, in their order: names that differ in one are rather two models than a typing error."""
    return re.findall(r"[0-9]+(?:\.[0-9]+)*", text)
