"""Times as people read them: in one time zone, the date said once."""

from __future__ import annotations

from datetime import datetime, tzinfo

_DAY_SECONDS = 86400


def day(moment: datetime, zone: tzinfo | None) -> str:
    """The day with its time zone, as a heading; `zone` None is the zone of this machine."""
    local = moment.astimezone(zone)
    return f"{local:%A %Y-%m-%d} {local.tzname()}"


def time_of_day(moment: datetime, zone: tzinfo | None) -> str:
    """Hours, minutes and seconds."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def day_and_time(moment: datetime, zone: tzinfo | None) -> str:
    """The date and the time, without the zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def took(milliseconds: int) -> str:
    """How long something took, in the unit that suits: `12 ms`, `1.2 s`, `3 min 20 s`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return stay(milliseconds // 1000)


def stay(seconds: int) -> str:
    """A length of time in its two largest units: `1 d 12 h`, `30 min`."""
    units = ((_DAY_SECONDS, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts = []
    for size, name in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
