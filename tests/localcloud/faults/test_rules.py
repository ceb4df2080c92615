import pytest

from localcloud.errors import FaultsError
from localcloud.faults import rules
from localcloud.faults.injection import Faults
from localcloud.faults.rules import Fault


def read(tmp_path, text):
    path = tmp_path / "faults.toml"
    path.write_text(text)
    return rules.read(path)


def test_the_example_in_the_manual_holds_one_fault_of_each_kind(tmp_path):
    text = rules.__doc__.partition("```toml")[2].partition("```")[0]
    found = read(tmp_path, text)
    assert [fault.do for fault in found] == list(rules.NEEDS)
    assert found[0] == Fault("conflict", table="silver.*", on=(2,))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[fault]]\ndo = 'explode'", "`do` is one of conflict"),
        ("[[fault]]\ndo = 'throttle'", "throttle needs call"),
        ("[[fault]]\ndo = 'delay'\ncall = 's3:*'", "delay needs seconds"),
        ("[[fault]]\ndo = 'die'", "either `call` or `point`"),
        ("[[fault]]\ndo = 'die'\npoint = 'lunch'", "`point` is one of before commit"),
        ("[[fault]]\ndo = 'conflict'\nwhen = 1", "no setting when"),
        ("[[fault]]\ndo = 'conflict'\non = [0]", "counted from 1"),
        ("faults = 1", r"must contain only \[\[fault\]\]"),
        ("[[fault", "cannot be read"),
    ],
)
def test_a_file_with_unknown_or_invalid_entries_is_refused(tmp_path, text, why):
    with pytest.raises(FaultsError, match=why) as error:
        read(tmp_path, text)
    assert "pydoc localcloud.faults.rules" in error.value.hint


def test_each_rule_counts_its_own_matches():
    faults = Faults(
        [Fault("throttle", call="glue:Get*", on=(2,)), Fault("delay", call="glue:GetTable", seconds=1)]
    )
    struck = [
        [one.do for one in faults.at_call(f"glue:{name}")] for name in ("GetTable", "GetTables", "GetTable")
    ]
    assert struck == [["delay"], ["throttle"], ["delay"]]
    assert faults.at_call("s3:GetTable") == []


def test_faults_of_calls_and_of_commits_are_separate():
    faults = Faults(
        [Fault("die", call="*"), Fault("die", point="after commit", table="a.*"), Fault("conflict")]
    )
    assert [one.call for one in faults.at_call("s3:PutObject")] == ["*"]
    assert [one.table for one in faults.at_commit("after commit", "a.t")] == ["a.*"]
    assert [one.do for one in faults.at_commit("before commit", "b.t")] == ["conflict"]
