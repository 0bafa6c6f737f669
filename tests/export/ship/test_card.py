"""A card says what its manifest says."""

from dataclasses import replace

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge_export.ship import panel_card
from ecgedge_export.ship.card import CARD, card, rewrite

AF = {"with_af": 20, "coverage": 0.9, "coverage_of_af": 0.8, "coverage_of_af_95": [0.7, 0.9],
      "Se": 0.95, "Se_95": [0.9, 1.0], "Sp": 0.98, "Sp_95": [0.97, 0.99]}  # fmt: skip
RHYTHM = {
    "records": 1106,
    "mean_f1_nao": 0.8512,
    "mean_f1_nao_95": [0.825, 0.875],
    "f1": {"N": 0.9, "A": 0.85, "O": 0.8, "~": 0.6},
    "af": AF,
}
STUDENT = {
    "mean_f1_nao": [0.84, 0.85],
    "gain_over_labels": 0.0,
    "gain_95": [0.0, 0.0],
    "fall_in_noise": {"em": 0.01},
}
TAUGHT = {**STUDENT, "gain_over_labels": 0.012, "gain_95": [0.004, 0.02]}


def shown(metrics: dict) -> str:
    manifest = Manifest.load(BUNDLED / "rhythm")
    metrics = {
        **manifest.metrics,
        "int8_litert": RHYTHM,
        "float": {**RHYTHM, "mean_f1_nao": 0.8531},
        **metrics,
    }
    text = card("rhythm", replace(manifest, metrics=metrics))
    assert text is not None
    return " ".join(text.split())


def test_figures_with_their_intervals() -> None:
    text = shown({})
    assert "mean of N, A, O | 0.851 (0.825 to 0.875)" in text
    assert "sensitivity 95.0 % (90.0 to 100.0), specificity 98.0 % (97.0 to 99.0), on the 90.0%" in text
    assert "points of mean F1 that INT8 loses, through the same gate | 0.19" in text


def test_the_worst_condition_and_group_are_named() -> None:
    weak = {**RHYTHM, "mean_f1_nao": 0.7}
    people = {name: {"records": 9, "af": {**AF, "Se": se}} for name, se in (("women", 0.9), ("men", 0.8))}
    none = {"records": 3, "af": {"with_af": 0, "coverage": 1.0, "Se": None, "Sp": 1.0, "Sp_95": [1.0, 1.0]}}
    text = shown(
        {
            "conditions": {"100 Hz": RHYTHM, "upside down": weak, "first 10 s": RHYTHM},
            "ten_seconds": {"others": AF},
            "by_person": {**people, "young": none},
        }
    )
    assert "Worst: upside down." in text
    assert "| others | 20 | 80.0 % (70.0 to 90.0) | 95.0 % |" in text
    assert "Lowest sensitivity: men." in text
    assert "| young | 3 | 0 | - | 100.0 % | 100.0 % |" in text


def test_a_teacher_that_is_not_shown_to_help_is_said_not_to_be() -> None:
    students = {"labels": STUDENT, "distilled": TAUGHT}
    table = {"recipe": "r.toml", "epochs": 9, "students": students}
    assert "The distilled student is better" in shown({"distillation": table})
    students["distilled"] = {**TAUGHT, "gain_95": [-0.001, 0.02]}
    text = shown({"distillation": table})
    assert "It is not shown that the distilled student is better" in text
    assert "+1.2 (-0.1 to +2.0)" in text
    assert "`r.toml`, 9 epochs" in text


def test_a_panel_is_worth_what_its_table_says() -> None:
    none = {name: {"by_seed": [0.8], "gain": 0.0, "gain_95": [0.0, 0.0]} for name in panel_card._POINTS}
    more = {**none, "mean F1": {"by_seed": [0.81], "gain": 0.012, "gain_95": [0.003, 0.02]}}
    rows = {"labels": {"against": "labels", **none}, "answers": {"against": "labels", **more}}
    text = shown({"distillation": {"panel": rows}})
    assert "| answers | labels | +1.2 (+0.3 to +2.0) | - |" in text
    assert "The panel's answers raise the mean F1." in text
    more["mean F1"] = {**more["mean F1"], "gain_95": [-0.003, 0.02]}
    assert "It is not shown" in shown({"distillation": {"panel": {**rows, "answers": rows["labels"] | more}}})


def test_no_report_no_card() -> None:
    manifest = Manifest.load(BUNDLED / "rhythm")
    assert card("rhythm", replace(manifest, metrics={"command": "x"})) is None
    gate = Manifest.load(BUNDLED / "gate")
    assert card("gate", replace(gate, metrics={"command": "x"})) is None


def test_the_cards_in_the_package_are_those_of_their_manifests(tmp_path) -> None:
    import shutil

    models = tmp_path / "models"
    shutil.copytree(BUNDLED, models, ignore=shutil.ignore_patterns("__pycache__"))
    shipped = {path.parent.name: path.read_text() for path in models.glob(f"*/{CARD}")}
    names = {"rhythm", "beat_classes", "gate", "beats", "waves", "tokens", "leads"}
    assert shipped.keys() == names
    assert {path.parent.name: path.read_text() for path in rewrite(models)} == shipped
    for text in shipped.values():
        assert max(len(line) for line in text.splitlines() if line[:2] not in ("| ", "|-", "* ")) <= 120
