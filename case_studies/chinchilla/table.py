"""Chinchilla: the table of losses by parameters and tokens, of a long table of runs."""

from pathlib import Path

from case_studies.source import Source, main

SOURCE = Source(
    table=Path(__file__).with_name("table.csv"),
    tasks=("pretraining",),
    sha256="555f6f4e2fdc73f87d0e278daea6f99f66e3de189b4025181b0e0a2b1aed047b",
)

if __name__ == "__main__":
    main(SOURCE)
