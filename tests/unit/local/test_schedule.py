"""What a schedule's expression says about its interval."""

import pytest

from workflow.local.schedule import interval_seconds


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        (" rate(5 minutes) ", 300),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
        ("cron(0/5 * * * ? *)", 60),
    ],
)
def test_a_rate_is_its_seconds_and_all_else_a_minute(expression: str, seconds: float) -> None:
    assert interval_seconds(expression) == seconds
