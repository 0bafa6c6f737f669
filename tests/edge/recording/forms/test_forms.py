"""Forms in which makers and hospitals hand out an ECG: each written here after its layout, and read."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError

MV = synthesize([Segment("sinus", 30)], seed=3).mv  # 130 Hz
NAME = "Erika Mustermann"


def uv() -> list[int]:
    return [round(1000 * float(v)) for v in MV]


def write_json(raw: Any, name: str = "a.json") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(json.dumps(raw))
        return folder / name

    return write


def fhir(**data: Any) -> Any:
    sampled = {"origin": {"value": 0, "unit": "uV"}, "factor": 1, "dimensions": 1, "period": 1000 / 130}
    sampled |= {"data": " ".join(map(str, uv()))} | data
    lead = {"coding": [{"system": "urn:iso:std:iso:11073:10101", "code": "131329"}]}
    return {
        "resourceType": "Observation",
        "subject": {"display": NAME},
        "effectiveDateTime": "2026-11-29T08:00:00+01:00",
        "component": [{"code": lead, "valueSampledData": sampled}],
    }


def without_period(observation: Any) -> Any:
    del observation["component"][0]["valueSampledData"]["period"]
    return observation


def movesense(key: str = "MeasECG", lost: tuple[int, ...] = ()) -> Any:
    values = uv() if key == "MeasECG" else [v / 1000 for v in uv()]
    return {
        "Samples": [
            {key: {"Timestamp": 1000 + round(at / 130 * 1000), "Samples": values[at : at + 16]}}
            for number, at in enumerate(range(0, len(values), 16))
            if number not in lost
        ]
    }


FITBIT = {
    "ecgReadings": [
        {
            "startTime": "2026-11-29T08:00:00.000",
            "waveformSamples": [round(v * 10.922) for v in uv()],
            "samplingFrequencyHz": "130",
            "scalingFactor": 10922,
        }
    ]
}


def kardia(folder: Path, *, spoil: bool = False) -> Path:
    def part(name: bytes, data: bytes) -> bytes:
        head = struct.pack("<4sI", name, len(data)) + data
        return head + struct.pack("<I", (sum(head) + spoil) & 0xFFFFFFFF)

    info = NAME.encode().ljust(264, b"\0")
    form = struct.pack("<BHHBH", 1, 130, 500, 2, 0)
    signal = np.array([v * 2 for v in uv()], "<i2").tobytes()
    path = folder / "a.atc"
    parts = (part(b"info", info), part(b"fmt ", form), part(b"ecg ", signal))
    path.write_bytes(b"ALIVE\0\0\0" + struct.pack("<I", 3) + b"".join(parts))
    return path


def ishne(folder: Path, *, leads: int = 2, said: int | None = None) -> Path:
    head = bytearray(522)
    head[:8] = b"ISHNE1.0"
    struct.pack_into("<iiii", head, 10, 0, said or len(MV), 522, 522)
    head[28 : 28 + len(NAME)] = NAME.encode()
    struct.pack_into("<3h", head, 138, 29, 11, 2026)
    struct.pack_into("<3h", head, 150, 8, 1, 2)
    struct.pack_into("<h12h", head, 156, leads, 5, 6, *[-9] * 10)
    struct.pack_into("<12h", head, 206, 1000, 1000, *[-9] * 10)
    struct.pack_into("<h", head, 272, 130)
    both = np.zeros((len(MV), leads), "<i2")
    both[:, 0] = uv()
    path = folder / "a.ecg"
    path.write_bytes(bytes(head) + both.tobytes())
    return path


def edf(folder: Path, kind: str = "edf") -> Path:
    edfio = pytest.importorskip("edfio")
    names = {"edf": (edfio.EdfSignal, edfio.Edf), "bdf": (edfio.BdfSignal, edfio.Bdf)}
    signal, recording = names[kind]
    lead = signal(
        MV[: 130 * 30].astype(float) * 1000,
        130,
        label="ECG I",
        physical_dimension="uV",
        physical_range=(-8000, 8000),
    )
    other = signal(np.zeros(30), 1, label="Resp", physical_range=(-1, 1))
    path = folder / f"a.{kind}"
    patient = edfio.Patient(name=NAME.replace(" ", "_"))
    recording([other, lead], patient=patient).write(path)
    return path


def discontinuous(folder: Path) -> Path:
    """An EDF+ of records of a second each, of which the tenth begins five seconds late."""
    edfio = pytest.importorskip("edfio")
    path = edf(folder)
    whole = edfio.read_edf(path)
    plus = edfio.Edf(list(whole.signals), annotations=[edfio.EdfAnnotation(0, None, "start")])
    plus.write(path)
    data = bytearray(path.read_bytes())
    data[192:197] = b"EDF+D"
    size, n_records, n_signals = int(data[184:192]), int(data[236:244]), int(data[252:256])
    counts = [int(data[256 + 216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    labels = [bytes(data[256 + 16 * i :][:16]).decode().strip() for i in range(n_signals)]
    which = labels.index("EDF Annotations")
    length_s = float(data[244:252])
    for number in range(n_records):
        at = size + 2 * (number * sum(counts) + sum(counts[:which]))
        onset = number * length_s + (5 if number >= 10 else 0)
        old = bytes(data[at : at + 2 * counts[which]])
        rest = old[old.index(b"\x14") :]
        new = f"+{onset:g}".encode() + rest
        data[at : at + 2 * counts[which]] = new[: 2 * counts[which]].ljust(2 * counts[which], b"\0")
    path.write_bytes(data)
    return path


def dicom(folder: Path) -> Path:
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    whole = FileDataset("a.dcm", {}, file_meta=meta, preamble=b"\0" * 128)
    whole.PatientName = NAME
    whole.AcquisitionDateTime = "20261129080000"
    unit, source, channel, group = Dataset(), Dataset(), Dataset(), Dataset()
    unit.CodeValue = "uV"
    source.CodeMeaning = "Lead I (Einthoven)"
    channel.ChannelSourceSequence = [source]
    channel.ChannelSensitivity, channel.ChannelBaseline = "1", "0"
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelSensitivityUnitsSequence = [unit]
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 1, len(MV)
    group.SamplingFrequency = "130"
    group.WaveformOriginality = "ORIGINAL"
    group.ChannelDefinitionSequence = [channel]
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.array(uv(), "<i2").tobytes()
    whole.WaveformSequence = [group]
    path = folder / "a.dcm"
    whole.save_as(path, enforce_file_format=True)
    return path


def aecg(folder: Path) -> Path:
    def sequence(code: str, value: str) -> str:
        return f'<component><sequence><code code="{code}"/><value>{value}</value></sequence></component>'

    time = f'<head value="20261129080000"/><increment value="{1 / 130!r}" unit="s"/>'
    lead = '<origin value="0" unit="uV"/><scale value="1" unit="uV"/><digits>{}</digits>'
    path = folder / "a.xml"
    path.write_text(
        '<AnnotatedECG xmlns="urn:hl7-org:v3"><effectiveTime><low value="20261129080000"/></effectiveTime>'
        f"<name>{NAME}</name><component><series><component><sequenceSet>"
        + sequence("TIME_ABSOLUTE", time)
        + sequence("MDC_ECG_LEAD_II", lead.format(" ".join("0" for _ in MV)))
        + sequence("MDC_ECG_LEAD_I", lead.format(" ".join(map(str, uv()))))
        + "</sequenceSet></component></series></component></AnnotatedECG>"
    )
    return path


def cardiosoft(folder: Path) -> Path:
    path = folder / "a.xml"
    path.write_text(
        f"<?xml version='1.0'?><CardiologyXML><PatientInfo><Name>{NAME}</Name></PatientInfo><StripData>"
        "<SampleRate units='Hz'>130</SampleRate><Resolution units='uVperLsb'>1</Resolution>"
        f"<WaveformData lead='I'>{','.join(map(str, uv()))}</WaveformData></StripData></CardiologyXML>"
    )
    return path


def withings(folder: Path) -> Path:
    path = folder / "signal.csv"
    path.write_text(
        "date,type,frequency,duration,wearposition,signal,doctor_name\n"
        f'2026-11-29T08:00:00+01:00,ecg,130,30,1,"[{",".join(map(str, uv()))}]",{NAME}\n'
    )
    return path


def samsung(folder: Path) -> Path:
    path = folder / "com.samsung.health.ecg.20261129.csv"
    path.write_text(
        "com.samsung.health.ecg,6320104,2\nstart_time,sample_frequency,chart_data\n"
        "2026-11-29 08:00:00.000,130,x.chart_data.json\n"
    )
    values = [v / 1000 for v in uv()]
    (folder / "x.chart_data.json").write_text(json.dumps((values * 5)[:15_000]))
    return path


def opensignals(folder: Path) -> Path:
    facts = {"device": "bitalino_rev", "sensor": ["ECGBIT"], "sampling rate": 130, "resolution": [4, 1, 10]}
    facts = {"note": "x" * 500, **facts}
    path = folder / "a.txt"
    rows = "".join(f"{i % 16}\t0\t{round((v / 3 + 0.5) * 1024)}\t\n" for i, v in enumerate(MV))
    path.write_text(
        f"# OpenSignals Text File Format\n# {json.dumps({'00:01': facts})}\n# EndOfHeader\n{rows}"
    )
    return path


def openbci(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_text(
        "%OpenBCI Raw EXG Data\n%Sample Rate = 130 Hz\n"
        "Sample Index, EXG Channel 0, EXG Channel 1, Timestamp, Timestamp (Formatted)\n"
        + "".join(
            f"{i % 256}.0, {v}.0, 0.0, {1.8e9 + i / 130:.6f}, 2027-01-15 08:00:00.{i % 1000:03}\n"
            for i, v in enumerate(uv())
        )
    )
    return path


def arduino(folder: Path) -> Path:
    path = folder / "a.txt"
    lines = (f"12:00:{i / 130:06.3f} -> {512 + v // 10}\n" for i, v in enumerate(uv()))
    path.write_text("".join(lines))
    return path


FORMS: dict[str, tuple[Callable[[Path], Path], datetime | None]] = {
    "FHIR R4": (write_json(fhir()), datetime.fromisoformat("2026-11-29T08:00:00+01:00")),
    "FHIR R5": (write_json(without_period(fhir(interval=1000 / 130, intervalUnit="ms"))), None),
    "FHIR bundle": (write_json({"resourceType": "Bundle", "entry": [{"resource": fhir()}]}), None),
    "Fitbit": (write_json(FITBIT), datetime(2026, 11, 29, 8)),
    "Movesense": (write_json(movesense()), None),
    "Movesense mV": (write_json(movesense("MeasEcgmV")), None),
    "Kardia": (kardia, None),
    "ISHNE": (ishne, datetime(2026, 11, 29, 8, 1, 2)),
    "EDF": (edf, None),
    "BDF": (lambda folder: edf(folder, "bdf"), None),
    "DICOM": (dicom, datetime(2026, 11, 29, 8)),
    "aECG": (aecg, datetime(2026, 11, 29, 8)),
    "CardioSoft": (cardiosoft, None),
    "Withings": (withings, datetime.fromisoformat("2026-11-29T08:00:00+01:00")),
    "Samsung": (samsung, datetime(2026, 11, 29, 8)),
    "OpenSignals": (opensignals, None),
    "OpenBCI": (openbci, None),
    "Arduino": (arduino, None),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_right(tmp_path: Path, form: str) -> None:
    make, start = FORMS[form]
    found = ecgedge.load(make(tmp_path))
    assert found.fs == pytest.approx(130, rel=1e-4)
    n = min(len(found.mv), len(MV))
    assert n >= 130 * 29
    apart = found.mv[:n] - np.median(found.mv[:n]) - (MV[:n] - np.median(MV[:n]))
    if form == "Arduino":  # counts without a scale
        assert np.corrcoef(found.mv[:n], MV[:n])[0, 1] > 0.99
    else:
        assert np.abs(apart).max() < (0.004 if form in ("OpenSignals", "EDF") else 0.002)
    if start is not None:
        assert found.start == start
    assert not np.isnan(found.mv).any()


@pytest.mark.parametrize(
    "form", [f for f in FORMS if f not in ("OpenBCI", "Arduino", "OpenSignals", "Samsung")]
)
@pytest.mark.parametrize("spoil", range(6))
def test_a_broken_form_is_one_line_without_a_name(tmp_path: Path, form: str, spoil: int) -> None:
    path = FORMS[form][0](tmp_path)
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(spoil)
    if spoil < 3:
        data = data[: round(len(data) * (0.02, 0.1, 0.6)[spoil])]
    else:
        for _ in range(40):
            data[rng.integers(min(len(data), 3000))] = rng.integers(256)
    path.write_bytes(data)
    try:
        ecgedge.load(path)
    except ConfigError as error:
        text = str(error)
        assert "\n" not in text
        assert "Erika" not in text
        assert "Mustermann" not in text


def test_gaps_of_discontinuous_edf_are_kept(tmp_path: Path) -> None:
    found = ecgedge.load(discontinuous(tmp_path))
    assert len(found.mv) == pytest.approx(130 * 35, abs=130)
    missing = np.flatnonzero(np.isnan(found.mv))
    assert len(missing) == pytest.approx(130 * 5, abs=2)
    assert missing[0] == pytest.approx(130 * 10, abs=2)


def test_lost_messages_of_movesense_are_a_gap(tmp_path: Path) -> None:
    found = ecgedge.load(write_json(movesense(lost=tuple(range(100, 110))))(tmp_path))
    assert np.count_nonzero(np.isnan(found.mv)) == 160


def test_missing_values_of_fhir_are_nan(tmp_path: Path) -> None:
    words = [str(v) for v in uv()]
    words[100:103] = ["E", "U", "L"]
    found = ecgedge.load(write_json(fhir(data=" ".join(words)))(tmp_path))
    assert np.flatnonzero(np.isnan(found.mv)).tolist() == [100, 101, 102]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.4", "drawing"),
        (b"PK\x03\x04" + b"\0" * 100, "unpack it"),
        (b'{"resourceType": "Patient"}', "valueSampledData"),
        (b'{"a": 1}', "of no known kind"),
        (b'{"a": ', "damaged JSON"),
        (b"[" * 100_000, "damaged JSON"),
        (b"<a/>", "of no known kind"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><AnnotatedECG/>", "entities"),
        (b'{"ecgReadings": []}', "no recording"),
        (b'{"Samples": [{"MeasAcc": {}}]}', "no ECG"),
        (b"[1, 2, 3]", "without a rate"),
        (b"ANN  1.0" + b"\0" * 600, "annotations alone"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        ecgedge.load(path)
