"""The simulator notices when the code is broken: here those mutants that die soon, `make mutants` hunts all."""

from __future__ import annotations

import pytest

from tests.mutants.all import ALL
from tests.mutants.hunt import kill
from tests.mutants.mutant import Edit, Mutant
from workflow.runtime import fire
from workflow.testing.simulation.story import PROMISES

_BY_NAME = [pytest.param(mutant, id=mutant.name.replace(" ", "_")) for mutant in ALL]
_MOST = 300


@pytest.mark.parametrize("mutant", [case for case, mutant in zip(_BY_NAME, ALL, strict=True) if mutant.dies_soon])
def test_a_mutant_dies_of_the_promise_it_breaks(mutant: Mutant) -> None:
    killed = kill(mutant, _MOST)
    assert killed.is_killed, killed


@pytest.mark.parametrize("mutant", _BY_NAME)
def test_a_mutant_still_finds_its_place_in_the_code_and_leaves_it_as_it_was(mutant: Mutant) -> None:
    with mutant.alive():
        pass
    with mutant.alive():
        pass
    assert set(mutant.promises) <= set(PROMISES)


def test_every_mutant_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in ALL}) == len(ALL) >= 16


def test_a_mutant_whose_place_is_gone_says_so() -> None:
    edit = Edit("workflow.runtime.fire:fire", "words that nobody wrote", "")
    with pytest.raises(AssertionError, match="does not say 'words that nobody wrote' once any more"), edit.applied():
        pass


def test_only_a_living_mutant_is_broken() -> None:
    sound = fire._as_found.__code__
    with Edit("workflow.runtime.fire:_as_found", "return entity\n", "return None\n").applied():
        assert fire._as_found.__code__ != sound
    assert fire._as_found.__code__ is sound
