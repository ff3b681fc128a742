"""What is read of a mapping's properties."""

from typing import Any

import pytest

from workflow.event_source import Settings, read_settings


def test_where_nothing_is_said_the_defaults_are_those_of_lambda() -> None:
    assert read_settings({}) == Settings(
        batch_size=100,
        batching_window_seconds=0,
        parallelization_factor=1,
        maximum_retry_attempts=None,
        maximum_record_age_seconds=None,
        bisects_on_error=False,
        reports_item_failures=False,
    )


def test_every_setting_is_read_also_as_the_text_that_a_templates_parameter_is() -> None:
    properties = {
        "BatchSize": "7",
        "MaximumBatchingWindowInSeconds": "3",
        "ParallelizationFactor": "2",
        "MaximumRetryAttempts": "4",
        "MaximumRecordAgeInSeconds": "60",
        "BisectBatchOnFunctionError": "true",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    assert read_settings(properties) == Settings(7, 3.0, 2, 4, 60, True, True)


@pytest.mark.parametrize(("said", "read"), [(-1, None), (None, None), ("-1", None), (0, 0), (100, 100)])
def test_minus_one_and_null_are_no_limit_and_zero_is_one(said: Any, read: int | None) -> None:
    settings = read_settings({"MaximumRetryAttempts": said, "MaximumRecordAgeInSeconds": said})
    assert (settings.maximum_retry_attempts, settings.maximum_record_age_seconds) == (read, read)


@pytest.mark.parametrize(("said", "read"), [(True, True), ("True", True), (False, False), ("false", False)])
def test_bisect_is_off_also_where_it_says_false_as_text(said: Any, read: bool) -> None:
    assert read_settings({"BisectBatchOnFunctionError": said}).bisects_on_error == read


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="many"):
        read_settings({"BatchSize": "many"})
