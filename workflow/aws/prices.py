"""What AWS asks for all that `workflow cost` and the pages tell of, in dollars; one table, of one day and region."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices without any free tier, discount or tax; `lambda_gb_second` is that of arm64, `http_million` that of
    the first 300 million requests of a month."""

    region: str
    as_of: date
    write_million: float
    read_million: float
    lambda_million: float
    lambda_gb_second: float
    message_million: float
    step_functions_million: float
    http_million: float
    stored_gb_month: float
    recoverable_gb_month: float
    log_gb: float
    metric_month: float
    alarm_month: float
    dashboard_month: float


US_EAST_1 = Prices(
    region="us-east-1",
    as_of=date(2026, 6, 1),
    write_million=0.625,
    read_million=0.125,
    lambda_million=0.20,
    lambda_gb_second=0.0000133334,
    # Of SQS's FIFO queues and SNS's topics 0.50, of custom events of EventBridge 1.00: the dearest.
    message_million=1.00,
    step_functions_million=25.00,
    http_million=1.00,
    stored_gb_month=0.25,
    recoverable_gb_month=0.20,
    log_gb=0.50,
    metric_month=0.30,
    alarm_month=0.10,
    dashboard_month=3.00,
)
"""On demand, as of that day:
https://aws.amazon.com/dynamodb/pricing/on-demand/
https://aws.amazon.com/lambda/pricing/
https://aws.amazon.com/eventbridge/pricing/
https://aws.amazon.com/step-functions/pricing/ (Standard workflows, by the state transition)
https://aws.amazon.com/api-gateway/pricing/ (HTTP APIs)
https://aws.amazon.com/cloudwatch/pricing/
"""
