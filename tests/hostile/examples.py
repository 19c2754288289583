"""How many examples of hostile input are tried: a few hundred, always the same, or FUZZ new ones in all."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FUZZ", "0"))


def examples(number):
    """Settings: as many examples as asked, drawn anew where the number is given."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=EXAMPLES // 2 or number,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=checks,
        print_blob=True,
    )
