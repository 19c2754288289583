"""Open models: the table of four generative tasks, of a long table of scores."""

from pathlib import Path

from case_studies.source import Source, main

SOURCE = Source(
    table=Path(__file__).with_name("table.csv"),
    tasks=("word_unscrambling", "arithmetic_2dm", "arithmetic_3ds", "ipa_transliterate"),
    sha256="0314a9d9389634050b75b18764cb9f6ece6e51d5a58f045fe88c07c8e16a2ab4",
)

if __name__ == "__main__":
    main(SOURCE)
