"""What AWS asks for what a transition takes, in dollars; one table, of one day, of one region."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices without any free tier, discount or tax; `lambda_gb_second` is that of arm64."""

    region: str
    as_of: date
    write_million: float
    read_million: float
    lambda_million: float
    lambda_gb_second: float
    message_million: float
    step_functions_million: float


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
)
"""On demand, as of that day:
https://aws.amazon.com/dynamodb/pricing/on-demand/
https://aws.amazon.com/lambda/pricing/
https://aws.amazon.com/eventbridge/pricing/
https://aws.amazon.com/step-functions/pricing/ (Standard workflows, by the state transition)
"""
