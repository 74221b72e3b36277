"""Whatever happens to a folder, its manifest notices; and it is one that other tools read."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardveil.privacy.manifest import NAME, differences, digest_of, write_manifest

CONTENT = {"README.txt": b"claim", "data/table.csv": b"a,b\n1,2\n", "empty": b""}


def made(folder):
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return write_manifest(folder)


def codes(folder):
    return {(p.code, p.where) for p in differences(folder)}


@given(name=st.sampled_from(["README.txt", "data/table.csv"]), data=st.data())
def test_one_changed_bit_anywhere_is_noticed(name, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    made(folder)
    assert differences(folder) == []
    content = bytearray(CONTENT[name])
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    (folder / name).write_bytes(content)
    assert codes(folder) == {("E606", name)}


def test_missing_and_extra_files_are_named(tmp_path):
    made(tmp_path)
    (tmp_path / "empty").unlink()
    (tmp_path / ".hidden").touch()
    (tmp_path / "data" / "more.csv").write_text("x")
    (tmp_path / "link").symlink_to("nowhere")
    assert codes(tmp_path) == {("E607", "empty"), ("E608", ".hidden"), ("E608", "data/more.csv"),
                               ("E608", "link")}  # fmt: skip


def test_a_link_to_the_same_bytes_elsewhere_is_not_the_file(tmp_path):
    made(tmp_path / "release")
    (tmp_path / "elsewhere").write_bytes(CONTENT["README.txt"])
    (tmp_path / "release" / "README.txt").unlink()
    (tmp_path / "release" / "README.txt").symlink_to(tmp_path / "elsewhere")
    assert codes(tmp_path / "release") == {("E606", "README.txt")}


ZERO = "0" * 64


@pytest.mark.parametrize(
    "text",
    ["", "nonsense\n", f"{ZERO}  ../outside\n", f"{ZERO}  /etc/hostname\n",
     f"{ZERO}  a\n{ZERO}  a\n", f"{ZERO}  a\nnonsense\n", "\udcff"],
    ids=["empty", "nonsense", "above", "absolute", "twice", "half", "not text"],
)  # fmt: skip
def test_a_list_that_cannot_be_trusted_is_none(tmp_path, text):
    made(tmp_path)
    (tmp_path / NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert {p.code for p in differences(tmp_path)} == {"E605"}


def test_the_digest_stands_for_every_file(tmp_path):
    first = made(tmp_path)
    assert first == digest_of(tmp_path)
    (tmp_path / "README.txt").write_bytes(b"other claim")
    assert write_manifest(tmp_path) != first


def test_coreutils_read_the_list(tmp_path):
    made(tmp_path)
    check = ["sha256sum", "--check", "--strict", NAME]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "empty").write_bytes(b"x")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 1
