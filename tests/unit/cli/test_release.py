"""release and verify: every reason to refuse, through the command line, and every way to lie."""

import json
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app
from wardveil.models import Independent
from wardveil.privacy import Ledger
from wardveil.schema import Schema
from wardveil.synthesizer import fit
from wardveil.vault import SeededNoise

SCHEMA = """\
[table]
key = "pid"
rows = 60

[columns.pid]
kind = "id"

[columns.hospital]
kind = "drop"
reason = "names a place"

[columns.age]
kind = "count"
{bounds}

[columns.sex]
kind = "binary"
levels = ["female", "male"]
"""
DECLARED = SCHEMA.format(bounds="low = 0\nhigh = 120\nunit = 'years'")
GAPPED = SCHEMA.format(bounds="")
FILES = {
    "README.txt", "synthetic.csv", "synthetic.parquet", "codebook.csv", "schema.json",
    "statement.txt", "statement.json", "MODEL_CARD.md", "DATASHEET.md", "croissant.json",
    "report.html", "report.json", "MANIFEST.sha256",
}  # fmt: skip
DOCUMENTS = ("README.txt", "statement.txt", "MODEL_CARD.md", "DATASHEET.md", "croissant.json",
             "report.html", "report.json")  # fmt: skip


def ask(*words: object):
    return CliRunner().invoke(app, [str(w) for w in words])


def frame() -> pd.DataFrame:
    return pd.DataFrame({
        "pid": [f"PATIENT-{i}" for i in range(60)],
        "hospital": [f"CANARY-{i}" for i in range(60)],
        "age": [20 + i % 50 for i in range(60)],
        "sex": ["female", "male", "female"] * 20,
    })  # fmt: skip


def fitted(*options: object, epsilon="1", schema="cohort.toml", run="run"):
    done = ask("fit", "table.csv", "-s", schema, "-m", "independent", "-e", epsilon, "-o", run,
               *options)  # fmt: skip
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table, its ledger, a run and its release; copied for every test."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        frame().to_csv("table.csv", index=False)
        Path("cohort.toml").write_text(DECLARED, encoding="utf-8")
        Path("gapped.toml").write_text(GAPPED, encoding="utf-8")
        fitted()
        done = ask("release", "run", "-o", "out", "--purpose", "teaching", "--signed-by", "R. Moe",
                   "--with-model", "--json")  # fmt: skip
        assert done.exit_code == 0, done.output
        Path("released.json").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- what is in it ------------------------------------------------------------------------------


def test_the_folder_is_complete_verifies_and_is_noted_in_the_ledger(folder):
    released = json.loads(Path("released.json").read_text("utf-8"))
    assert {p.name for p in Path("out").iterdir()} == FILES | {"model"}
    assert len(pd.read_csv("out/synthetic.csv")) == released["rows"] == 60
    assert pd.read_parquet("out/synthetic.parquet").shape == (60, 3)
    verified = ask("verify", "out", "--digest", released["digest"].upper(), "--json")
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.stdout)["digest"] == released["digest"]
    (run,) = Ledger(Path("wardveil-ledger.sqlite")).book.runs.values()
    assert released["digest"] in run.released
    assert ask("sample", "out/model", "-n", 3, "-o", "more.csv").exit_code == 0


def test_every_document_says_what_is_promised_and_none_says_too_much(folder):
    claim = json.loads(Path("out/statement.json").read_text("utf-8"))["claim"]
    for name in DOCUMENTS:
        text = (Path("out") / name).read_text("utf-8")
        assert claim in text, name
        assert not re.search(r"\banonym|\bsafe\b|hipaa|gdpr|complian", text, re.I), name
    card = Path("out/MODEL_CARD.md").read_text("utf-8")
    assert "teaching" in card
    assert "R. Moe" in card


def test_nothing_that_was_dropped_and_no_patient_is_in_the_folder(folder):
    unpacked = pd.read_parquet("out/synthetic.parquet").to_csv().encode()
    files = [file for file in Path("out").rglob("*") if file.is_file()]
    for name, content in [("cells", unpacked), *((file, file.read_bytes()) for file in files)]:
        assert b"CANARY" not in content, name
        assert b"PATIENT-" not in content, name
    for name in ("codebook.csv", "synthetic.csv", "DATASHEET.md", "croissant.json", "report.html"):
        assert "hospital" not in (Path("out") / name).read_text("utf-8"), name


def test_the_codebook_has_a_line_for_every_released_column(folder):
    book = pd.read_csv("out/codebook.csv", keep_default_na=False)
    assert book["column"].tolist() == list(pd.read_csv("out/synthetic.csv").columns)
    age = book.set_index("column").loc["age"]
    assert (age["lowest"], age["highest"], age["unit"]) == ("0", "120", "years")


def test_croissant_names_the_bytes_and_the_columns(folder):
    data = json.loads(Path("out/croissant.json").read_text("utf-8"))
    listed = dict(line.split("  ")[::-1] for line in
                  Path("out/MANIFEST.sha256").read_text("utf-8").splitlines())  # fmt: skip
    for entry in data["distribution"]:
        assert entry["sha256"] == listed[entry["contentUrl"]]
    fields = [f["source"]["extract"]["column"] for f in data["recordSet"][0]["field"]]
    assert fields == list(pd.read_csv("out/synthetic.csv").columns)


# -- the gate -----------------------------------------------------------------------------------


def edited(change, path="run/run.json"):
    stored = json.loads(Path(path).read_text("utf-8"))
    change(stored)
    Path(path).write_text(json.dumps(stored), encoding="utf-8")


def without_guarantee():
    fitted(epsilon="inf", run="other")


def seeded():
    schema = Schema.read("cohort.toml")
    ledger = Ledger(Path("wardveil-ledger.sqlite"))
    made = fit(frame(), schema=schema, model=Independent(), epsilon=1.0, noise=SeededNoise(1),
               ledger=ledger, source="table.csv")  # fmt: skip
    made.save("other")


def looked():
    fitted("--look", schema="gapped.toml", run="other")


def cheaper():
    edited(lambda r: r["statement"]["plan"]["mechanisms"][0].update(sd=500.0))


def relabelled():
    looked()
    edited(lambda r: [c.pop("sources", None) for c in r["schema"]["columns"]], "other/run.json")


def unaccounted():
    fitted("--no-ledger", run="other")


def ledger_gone():
    Path("wardveil-ledger.sqlite").unlink()


def another_ledger():
    ledger_gone()
    assert ask("ledger", "cap", "table.csv", "-e", 10, "--delta", 1e-4).exit_code == 0


def damaged_ledger():
    Path("wardveil-ledger.sqlite").write_bytes(b"no database" * 100)


def never_settled():
    ledger = Ledger(Path("wardveil-ledger.sqlite"))
    from wardveil.synthesizer import plan as planned

    made = planned(Schema.read("cohort.toml"), epsilon=1.0, model=Independent())
    run = ledger.reserve("table.csv", made)
    entry = ledger.entries()[-1]

    def restamp(stored):
        stamp = {"sequence": entry.sequence, "head": entry.hash, "run": run, "source": "table.csv"}
        stored["statement"]["ledger"] = stamp
        restate(stored)

    edited(restamp)


def restate(stored):
    from wardveil.privacy import Statement

    stored["statement"] = Statement.from_dict(stored["statement"]).to_dict()


REASONS = {
    "E511": without_guarantee, "E512": seeded, "E513": looked, "E514": cheaper,
    "E515": relabelled, "E516": unaccounted, "E516 ": ledger_gone, "E517": another_ledger,
    "E517 ": damaged_ledger, "E517  ": never_settled,
}  # fmt: skip


@pytest.mark.parametrize("code", REASONS, ids=lambda c: f"{c.strip()} {REASONS[c].__name__}")
def test_each_reason_ends_with_5_and_leaves_nothing(folder, code):
    REASONS[code]()
    run = "other" if Path("other").exists() else "run"
    before = sorted(p.name for p in folder.iterdir())
    result = ask("release", run, "-o", "new", "--json")
    assert result.exit_code == 5, result.output
    assert code.strip() in {p["code"] for p in json.loads(result.stdout)["problems"]}
    assert sorted(p.name for p in folder.iterdir()) == before


def test_confirmations_open_only_their_own_gate(folder):
    unaccounted()
    assert ask("release", "other", "-o", "a", "--accept-looked").exit_code == 5
    assert ask("release", "other", "-o", "a", "--no-ledger").exit_code == 0
    shutil.rmtree("other")
    looked()
    assert ask("release", "other", "-o", "b", "--no-ledger").exit_code == 5
    shutil.rmtree("other")
    without_guarantee()
    everything = ("--no-ledger", "--accept-looked")
    assert ask("release", "other", "-o", "b", *everything).exit_code == 5


def test_all_reasons_are_told_at_once(folder):
    looked()
    ledger_gone()
    result = ask("release", "other", "-o", "new", "--json")
    assert {p["code"] for p in json.loads(result.stdout)["problems"]} == {"E513", "E516"}


def test_a_folder_that_is_not_empty_and_two_ledgers_are_wrong_use(folder):
    for words, code in (((), "E502"), (("--ledger", "x", "--no-ledger"), "E107")):
        out = "out" if code == "E502" else "new"
        result = ask("release", "run", "-o", out, *words)
        assert (result.exit_code, result.stderr[:4]) == (2, code)


# -- a looked-at fact never ends in an end-to-end claim -----------------------------------------

TO_FACTS = {
    "fit --look": lambda: fitted("--look", schema="gapped.toml", run="other"),
    "init --look, fit": lambda: _initialised(()),
    "init --look, fit --private-facts": lambda: _initialised(("--private-facts",)),
    "init --look, fit --look": lambda: _initialised(("--look",)),
    "run --look": lambda: _whole_run("--look"),
}


def _initialised(options):
    assert ask("init", "table.csv", "-o", "looked.toml", "--look").exit_code == 0
    fitted(*options, schema="looked.toml", run="other")


def _whole_run(*options):
    done = ask("run", "table.csv", "-s", "gapped.toml", "-m", "independent", "-e", 1, *options,
               "-o", "whole")  # fmt: skip
    assert done.exit_code == 0, done.output
    Path("whole/run").rename("other")


@pytest.mark.parametrize("way", TO_FACTS)
def test_a_looked_at_fact_never_ends_in_an_end_to_end_claim(folder, way):
    TO_FACTS[way]()
    flags = [("--accept-looked",), ("--no-ledger",), ("--with-model",), ("--seed", "1")]
    for i, chosen in enumerate(product([False, True], repeat=len(flags))):
        words = [w for flag, on in zip(flags, chosen, strict=True) if on for w in flag]
        for order in (words, words[::-1] if "--seed" not in words else words):
            shutil.rmtree("new", ignore_errors=True)
            result = ask("release", "other", "-o", "new", *order)
            assert result.exit_code == (0 if chosen[0] else 5), (i, order, result.output)
            if not chosen[0]:
                assert not Path("new").exists()
                continue
            assert result.stdout.startswith("No end-to-end guarantee")
            stored = json.loads(Path("new/statement.json").read_text("utf-8"))
            assert stored["epsilon"] is None
            for name in DOCUMENTS:
                text = (Path("new") / name).read_text("utf-8")
                assert "No end-to-end guarantee" in text, name
                assert "Differentially private for each" not in text, name


def test_a_released_looked_at_fact_verifies_and_cannot_be_hidden(folder):
    looked()
    assert ask("release", "other", "-o", "new", "--accept-looked").exit_code == 0
    assert ask("verify", "new").exit_code == 0

    def hide(stored):
        stored["looked"] = []
        stored["facts"] = {"declared": 5}
        from wardveil.privacy import Statement

        stored.update(Statement.from_dict(stored).to_dict())

    edited(hide, "new/statement.json")
    text = json.loads(Path("new/statement.json").read_text("utf-8"))["text"]
    Path("new/statement.txt").write_text(text, encoding="utf-8")
    resealed("new")
    assert "E611" in codes(ask("verify", "new", "--json"))


# -- verify -------------------------------------------------------------------------------------


def codes(result):
    assert result.exit_code == 6, result.output
    return {p["code"] for p in json.loads(result.stdout)["problems"]}


def resealed(folder):
    from wardveil.privacy.manifest import write_manifest

    write_manifest(Path(folder))


def _flip(name):
    def change():
        content = bytearray((Path("out") / name).read_bytes())
        content[len(content) // 2] ^= 1
        (Path("out") / name).write_bytes(content)

    return change


def _cheaper():
    edited(lambda s: s["plan"]["mechanisms"][0].update(sd=500.0), "out/statement.json")
    resealed("out")


def _other_words():
    path = Path("out/README.txt")
    path.write_text(path.read_text("utf-8").replace("Differentially private", "Fully private"))
    resealed("out")


def _no_noise():
    fitted(epsilon="inf", run="other")
    stored = json.loads(Path("other/run.json").read_text("utf-8"))["statement"]
    Path("out/statement.json").write_text(json.dumps(stored), encoding="utf-8")
    resealed("out")


def _larger_delta():
    edited(lambda s: s["plan"].update(delta=0.01), "out/statement.json")
    resealed("out")


LIES = {
    "E601 no statement": lambda: (Path("out/statement.json").unlink(), resealed("out")),
    "E602 sentence": lambda: (edited(lambda s: s.update(claim="Fully private."),
                                     "out/statement.json"), resealed("out")),
    "E603 cheaper noise": _cheaper,
    "E604 larger delta": _larger_delta,
    "E605 no manifest": lambda: Path("out/MANIFEST.sha256").unlink(),
    "E607 missing": lambda: Path("out/DATASHEET.md").unlink(),
    "E608 extra": lambda: Path("out/real.csv").touch(),
    "E609 other words": _other_words,
    "E612 no noise": _no_noise,
    "E601 nothing there": lambda: shutil.rmtree("out"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_verify_ends_with_6_for_each_reason(folder, lie):
    LIES[lie]()
    assert lie[:4] in codes(ask("verify", "out", "--json"))


@pytest.mark.parametrize("name", sorted(FILES | {"model/run.json", "model/weights.safetensors"}))
def test_verify_notices_one_changed_byte_in_any_file(folder, name):
    _flip(name)()
    assert codes(ask("verify", "out", "--json")) & {"E605", "E606", "E607"}


def test_a_folder_replaced_as_a_whole_has_another_digest(folder):
    digest = json.loads(Path("released.json").read_text("utf-8"))["digest"]
    assert ask("release", "run", "-o", "new").exit_code == 0
    assert ask("verify", "new").exit_code == 0
    assert codes(ask("verify", "new", "--digest", digest, "--json")) == {"E613"}
    result = ask("verify", "run", "--digest", digest)
    assert (result.exit_code, result.stderr[:4]) == (2, "E108")


def test_verify_needs_neither_torch_nor_pandas_nor_the_network(folder):
    program = (
        "import socket, sys; socket.socket = None; "
        "from typer.testing import CliRunner; from wardveil.cli.app import app; "
        "result = CliRunner().invoke(app, ['verify', 'out']); assert not result.exit_code, result; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert not {"torch", "pandas", "pyarrow", "sklearn", "opacus"} & set(done.stdout.split())
