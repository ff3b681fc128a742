"""The shop before this one: what its accounting exports, in its own encoding, and with the errors of ten years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

ENCODING = "latin-1"
PARCELS = 1_000
BAD = 7
COLUMNS = (
    *("Sendung", "Auftrag", "Dienst", "Kunde", "E-Mail", "Erfasst"),
    *("Abgeholt", "Ausgeliefert", "Zugestellt", "Empfang", "Rücklauf", "Status"),
)
_NAMES = ("Müller", "Jäger", "Groß", "Schäfer", "Özdemir", "Weiß", "Krämer")
_CARRIERS = ("DHL", "Hermes", "DPD")
_BEGINNING = datetime(2014, 1, 6, 8)


def write_export(file: Path) -> None:
    """Writes the export: PARCELS that are right, one of them twice, and BAD lines that are not."""
    rows = [parcel(number) for number in range(PARCELS)]
    rows.insert(450, rows[300])
    for place, row in enumerate(_bad_rows(), 1):
        rows.insert(place * 125, row)
    file.write_text("".join(";".join(row) + "\r\n" for row in [COLUMNS, *rows]), encoding=ENCODING, newline="")


def parcel(number: int, **given: str) -> list[str]:
    """One line: most parcels have arrived, some came back, a few are on their way for good."""
    status = "Z" * (number % 20 < 16) or "RUAE"[number % 4]
    recorded = _BEGINNING + timedelta(minutes=37 * number)
    took = {"Abgeholt": 9, "Ausgeliefert": 30, "Zugestellt": 34, "Rücklauf": 50}
    columns = {"Z": 3, "R": 2, "U": 1, "A": 2, "E": 0}[status]
    scanned = [*took][:columns] + ["Rücklauf"] * (status == "R")
    name = _NAMES[number % len(_NAMES)]
    line = dict.fromkeys(COLUMNS, "") | {
        "Sendung": f"JJD{number:08d}",
        "Auftrag": f"A-{number // 2}",
        "Dienst": _CARRIERS[number % len(_CARRIERS)],
        "Kunde": name,
        "E-Mail": f"kunde{number % 700}@example.com",
        "Erfasst": _written(recorded),
        "Status": status,
    }
    line |= {column: _written(recorded + timedelta(hours=took[column])) for column in scanned}
    line["Empfang"] = name * (status == "Z")
    return [*(line | given).values()]


def _bad_rows() -> Iterator[list[str]]:
    yield parcel(90_001, Dienst="")
    yield parcel(90_002, Erfasst="31.02.2016 10:00")
    yield parcel(90_003, Status="?")
    yield parcel(90_004, Zugestellt="")
    yield parcel(90_005, Kunde='"Die "Firma"')
    yield parcel(90_006)[:-3]
    yield parcel(90_007, Abgeholt="01.01.2014 10:00")


def _written(moment: datetime) -> str:
    return f"{moment:%d.%m.%Y %H:%M}"
