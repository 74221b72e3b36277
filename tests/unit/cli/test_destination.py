import errno

import pytest

from wardveil.cli.destination import new_file, require_free, writing
from wardveil.errors import RunError


def code(error) -> str:
    return error.value.problems[0].code


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_is_free_and_stays_as_it_was(tmp_path, exists):
    folder = tmp_path / "a" / "b"
    if exists:
        folder.mkdir(parents=True)
    require_free(folder)
    assert folder.exists() is exists
    assert [p.name for p in tmp_path.rglob("*")] == (["a", "b"] if exists else ["a"])


def test_a_taken_folder_is_refused_unless_it_is_ours(tmp_path):
    (tmp_path / "patients.csv").touch()
    with pytest.raises(RunError) as error:
        require_free(tmp_path)
    assert code(error) == "E502"
    require_free(tmp_path, ours=lambda folder: (folder / "patients.csv").exists())


def test_a_folder_below_a_file_is_refused_before_anything_is_spent(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError) as error:
        require_free(tmp_path / "file" / "run")
    assert code(error) == "E501"


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "out.csv"
    with new_file(path) as partial:
        partial.write_text("whole")
        assert partial.suffix == ".csv"
        assert not path.exists()
    assert path.read_text() == "whole"
    assert len(list(path.parent.iterdir())) == 1


def test_a_file_that_fails_half_way_leaves_nothing(tmp_path):
    path = tmp_path / "out.csv"

    def write_half() -> None:
        with new_file(path) as partial:
            partial.write_text("half")
            raise OSError(errno.ENOSPC, "disk full, at cell SECRET")

    with pytest.raises(RunError) as error:
        write_half()
    assert code(error) == "E501"
    assert "No space left" in str(error.value)
    assert "SECRET" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_replaced_unless_forced(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("real")
    with pytest.raises(RunError) as error, new_file(path):
        pytest.fail("not reached")
    assert code(error) == "E504"
    assert path.read_text() == "real"
    with new_file(path, force=True) as partial:
        partial.write_text("synthetic")
    assert path.read_text() == "synthetic"
    with pytest.raises(RunError), new_file(tmp_path, force=True):
        pytest.fail("a folder is not replaced")


def test_our_own_errors_pass_unchanged(tmp_path):
    with pytest.raises(RunError) as error, writing(tmp_path), new_file(tmp_path):
        pytest.fail("not reached")
    assert code(error) == "E504"
