import pytest

from control.config import LIMITS, Settings, from_environment
from control.errors import UsageError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert from_environment(dict.fromkeys(LIMITS, "")).limits == {}


def test_limits_on_raw_files_are_settings_with_the_parsers_names() -> None:
    from bronze.limits import Limits

    environment = {"DM_MAX_INFLATED_BYTES": "10", "DM_MAX_RATIO": "20", "DM_MAX_LINE_BYTES": "30"}
    limits = from_environment(environment).limits
    assert limits == {"inflated_bytes": 10, "ratio": 20, "line_bytes": 30}
    assert Limits(**limits).ratio == 20


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1e3", "٣"])
def test_a_limit_that_is_not_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="DM_MAX_RATIO"):
        from_environment({"DM_MAX_RATIO": text})


@pytest.mark.parametrize("variable", ["DM_SCHEMA_PREFIX", "DM_BRONZE_PREFIX"])
def test_a_prefix_must_be_a_valid_start_of_a_database_name(variable: str) -> None:
    for text in ("", "ann_", "t2_x_"):
        from_environment({variable: text})
    for text in ("Ann-", "ann-", "Ann_", "2_", "_", "ännn_", "ann ", "ann_\n"):
        with pytest.raises(UsageError, match=f"{variable} is a prefix of database names"):
            from_environment({variable: text})


def test_the_actor_comes_from_dm_actor_or_user() -> None:
    assert from_environment({"DM_ACTOR": "ann", "USER": "bob"}).actor == "ann"
    assert from_environment({"USER": "bob"}).actor == "bob"


def test_a_token_key_that_is_not_utf8_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError, match="DM_TOKEN_KEY is not valid UTF-8") as refused:
        from_environment({"DM_TOKEN_KEY": "secret\udcff"})
    assert "secret" not in refused.value.message
