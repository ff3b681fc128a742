"""Rates and moments as options take them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

from workflow.definition.durations import seconds

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/(s|m))?", re.ASCII)


class Rate(click.ParamType):  # type: ignore[type-arg]
    """How many a second, written `5`, `5/s` or `30/m`."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The rate a second; a usage error for anything else."""
        if isinstance(value, float):
            return value
        matched = _RATE.fullmatch(str(value))
        amount = float(matched[1]) if matched else 0.0
        if not matched or not amount:
            self.fail(f"{value!r} is no rate; give one such as 5/s or 30/m.", param, ctx)
        return amount / 60 if matched[2] == "m" else amount


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A moment, or how long ago: `2h`, `2026-01-31T12:00Z`."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | datetime:
        """A length of time, or an aware moment; a usage error for anything else."""
        if isinstance(value, timedelta | datetime):
            return value
        text = str(value)
        try:
            return datetime.fromisoformat(text).astimezone()
        except (ValueError, OverflowError):
            pass
        try:
            return timedelta(seconds=float(seconds(text)))
        except ValueError:
            self.fail(f"{text!r} is no moment; give a length of time (2h) or a time (2026-01-31T12:00Z).", param, ctx)


def moment(given: timedelta | datetime | None, now: datetime) -> datetime | None:
    """The moment meant; raises click's usage error for one that is yet to come."""
    at = now - given if isinstance(given, timedelta) else given
    if at is not None and at > now:
        raise click.BadParameter("it is yet to come.", param_hint="'--since'")
    return at


rate_option = click.option(
    "--rate", type=Rate(), default=0.0, metavar="N[/s|/m]", help="So many a second or minute.  [default: all at once]"
)
