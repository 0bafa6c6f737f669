"""Codes of FHIR observations, each with its source; what has no code that we are sure of has a text alone.

LOINC has no code for the share of time in atrial fibrillation, its longest episode, and runs of ectopic beats
(https://fhir.tiro.health/CodeSystem-tiro-cardiac-metric.html lists the gap).
"""

from __future__ import annotations

from typing import Any

from ecgedge.recording.readers.forms.fhir import LEADS

__all__ = ["CATEGORY", "HEART_RATE", "POTENTIAL", "RHYTHM", "lead", "quantity", "text_alone"]

_LOINC = "http://loinc.org"
# ISO/IEEE 11073-10101, as in HL7's own example: https://hl7.org/fhir/R4/observation-example-sample-data.json.html
_MDC = "urn:oid:2.16.840.1.113883.6.24"
_UCUM = "http://unitsofmeasure.org"
_ANY_LEAD, _NAME = "131328", "MDC_ECG_ELEC_POTL"


def text_alone(text: str) -> dict[str, Any]:
    """Return a concept that has no code."""
    return {"text": text}


def _concept(system: str, code: str, display: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text}


# https://loinc.org/8867-4, which FHIR's vital signs use; the mean of a recording.
HEART_RATE = _concept(_LOINC, "8867-4", "Heart rate", "Heart rate, mean")
# https://loinc.org/8884-9
RHYTHM = _concept(_LOINC, "8884-9", "Heart rate rhythm", "Heart rhythm")
POTENTIAL = _concept(_MDC, _ANY_LEAD, _NAME, "ECG")
# The category of the same example. A vital sign by FHIR's profile needs a subject, and nobody is named here.
CATEGORY = [
    {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "procedure",
                "display": "Procedure",
            }
        ]
    }
]


def lead(name: str) -> dict[str, Any]:
    """Return the code of a lead's potential, that of any lead where the name is none that has one.

    Examples
    --------
    >>> lead("I")["coding"][0]["code"], lead("chest")["coding"][0]["code"]
    ('131329', '131328')
    """
    known = {lead: code for code, lead in LEADS.items() if code != _ANY_LEAD}
    if name not in known:
        return _concept(_MDC, _ANY_LEAD, _NAME, f"ECG, lead {name}" if name else "ECG")
    return _concept(_MDC, known[name], f"{_NAME}_{name.upper()}", f"ECG, lead {name}")


def quantity(value: float, unit: str, code: str | None = None) -> dict[str, Any]:
    """Return a quantity with its unit in words and in UCUM."""
    return {"value": round(value, 4), "unit": unit, "system": _UCUM, "code": code or unit}
