"""Leases of dead holders, and folders in which objects cannot be deleted, are found."""

from collections.abc import Iterable, Sequence

import pytest
from raising import raising

from control.adapters.memory import MemoryObjects
from control.doctor import lease, rights
from control.errors import UpstreamError, UsageError


def held(*rows: tuple[str, str, str]) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in lease.examine(lambda _: rows, "")]


def test_a_lease_whose_holder_is_silent_longer_than_any_statement_is_stale() -> None:
    assert held(("build", "ann", "2400")) == []
    assert held(("build", "ann", "2401")) == [("stale-lease", "warning")]
    assert held() == []


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        ("5f1c", "; dm maintain free 5f1c frees it now"),
        ("freed-5f1c", "; dm maintain free 5f1c frees it now"),
        ("maintenance-5f1c", "drops what that one left behind"),
    ],
)
def test_a_stale_lease_names_the_command_that_frees_it(holder: str, said: str) -> None:
    (found,) = lease.examine(lambda _: [(holder, "ann", "9999")], "")
    assert found.message.endswith(said)


@pytest.mark.parametrize("reason", ["TABLE_NOT_FOUND: line 1", "SCHEMA_NOT_FOUND: line 1"])
def test_before_the_first_build_there_is_no_lease(reason: str) -> None:
    def refuse(sql: str) -> Sequence[Sequence[str]]:
        assert "dev_ops.lease" in sql
        raise UpstreamError(reason)

    assert lease.examine(refuse, "dev_") == []


def test_another_error_of_athena_is_not_taken_for_health() -> None:
    with pytest.raises(UpstreamError):
        lease.examine(raising(UpstreamError("GENERIC_INTERNAL_ERROR")), "")


class Refusing(MemoryObjects):
    """Objects that cannot be deleted below a folder: deleting raises an error or silently does nothing."""

    def __init__(self, folder: str, *, says_so: bool) -> None:
        super().__init__()
        self.folder, self.says_so = folder, says_so

    def delete(self, uris: Iterable[str]) -> None:
        for uri in uris:
            if not uri.startswith(self.folder):
                super().delete([uri])
            elif self.says_so:
                raise UsageError(f"{uri}: access is refused (AccessDenied)")


@pytest.mark.parametrize("says_so", [True, False])
def test_a_folder_without_permission_to_delete_is_an_error(says_so: bool) -> None:
    (found,) = rights.examine(Refusing("s3://lake/warehouse/", says_so=says_so), "lake")
    assert (found.code, found.severity, found.where) == ("no-delete", "error", "s3://lake/warehouse/")
    assert "s3:DeleteObject" in found.message


def test_the_check_leaves_nothing_behind_if_deleting_works() -> None:
    objects = MemoryObjects()
    assert rights.examine(objects, "lake") == []
    assert list(objects.list("s3://lake/")) == []
