"""What a cardiologist sees where a statement is made: text for recordings that have statements alone."""

from __future__ import annotations

from collections.abc import Mapping

# Signs of each SCP-ECG statement of PTB-XL, by the common criteria (such as those of Surawicz et al.,
# J Am Coll Cardiol 53(11), 2009), in few words that several statements share: bundle branch blocks are near
# each other, and both far from ischaemia.
_INFARCTION = "pathologic q waves, loss of r wave"
_ISCHAEMIA = "t wave inversion, st depression"
_INJURY = "st elevation, acute injury"
_PLACES = {
    "A": "anterior leads v3 v4",
    "AN": "anterior leads v3 v4",
    "AS": "anteroseptal leads v1 v2 v3",
    "AL": "anterolateral leads v4 v5 v6",
    "I": "inferior leads ii iii avf",
    "IN": "inferior leads ii iii avf",
    "IL": "inferolateral leads ii iii avf v6",
    "LA": "lateral leads i avl v5 v6",
    "L": "lateral leads i avl v5 v6",
    "P": "posterior, tall r wave v1 v2",
    "IP": "inferoposterior leads ii iii avf v1",
    "IPL": "inferoposterolateral leads ii iii avf v1 v6",
}
SIGNS: Mapping[str, str] = {
    "NORM": "normal p wave, normal narrow qrs, normal st segment, normal t wave",
    "SR": "regular rr, p wave before every qrs, normal rate",
    "AFIB": "irregular rr, no p waves, fibrillatory baseline",
    "AFLT": "sawtooth flutter waves, no p waves",
    "STACH": "regular rr, p wave before every qrs, fast rate",
    "SBRAD": "regular rr, p wave before every qrs, slow rate",
    "SARRH": "irregular rr, p wave before every qrs",
    "SVARR": "irregular rr, abnormal p wave, narrow qrs",
    "SVTAC": "regular rr, fast rate, narrow qrs, hidden p wave",
    "PSVT": "regular rr, fast rate, narrow qrs, hidden p wave",
    "PACE": "pacemaker spikes, wide qrs",
    "PAC": "premature beat, abnormal p wave, narrow qrs",
    "PVC": "premature beat, no p wave, wide qrs",
    "PRC(S)": "premature beat",
    "BIGU": "every second beat premature",
    "TRIGU": "every third beat premature",
    "1AVB": "long pr interval",
    "LPR": "long pr interval",
    "2AVB": "dropped qrs after p wave",
    "3AVB": "p waves and qrs independent, slow rate",
    "WPW": "short pr interval, delta wave, wide qrs",
    "CRBBB": "wide qrs, rsr in v1, wide s wave in i v6",
    "IRBBB": "rsr in v1, narrow qrs",
    "CLBBB": "wide qrs, broad notched r wave in i v6, deep s wave in v1",
    "ILBBB": "broad notched r wave in i v6",
    "IVCD": "wide qrs",
    "LAFB": "left axis deviation, small q wave in i avl, deep s wave in ii iii avf",
    "LPFB": "right axis deviation, small q wave in ii iii avf, deep s wave in i avl",
    "LVH": "high qrs voltage, left ventricular hypertrophy, tall r wave v5 v6",
    "VCLVH": "high qrs voltage, tall r wave v5 v6",
    "HVOLT": "high qrs voltage",
    "LVOLT": "low qrs voltage",
    "RVH": "right axis deviation, right ventricular hypertrophy, tall r wave v1 v2",
    "SEHYP": "septal hypertrophy, deep narrow q waves",
    "LAO/LAE": "wide notched p wave, left atrial enlargement",
    "RAO/RAE": "tall peaked p wave, right atrial enlargement",
    "NDT": "abnormal t wave",
    "NT_": "abnormal t wave",
    "TAB_": "abnormal t wave",
    "LOWT": "flat t wave",
    "INVT": "t wave inversion",
    "NST_": "abnormal st segment",
    "STD_": "st depression",
    "STE_": "st elevation",
    "LNGQT": "long qt interval",
    "DIG": "downsloping st depression, short qt interval, digitalis",
    "EL": "abnormal t wave, long qt interval, electrolytes",
    "ANEUR": "pathologic q waves, st elevation, aneurysm",
    "ABQRS": "abnormal qrs",
    "QWAVE": "pathologic q waves",
    "ISC_": _ISCHAEMIA,
    **{code: f"{_INFARCTION}, {_PLACES[place]}" for code, place in {
        "AMI": "A", "ASMI": "AS", "ALMI": "AL", "IMI": "I", "ILMI": "IL", "LMI": "L", "PMI": "P",
        "IPMI": "IP", "IPLMI": "IPL"}.items()},
    **{f"ISC{place}": f"{_ISCHAEMIA}, {_PLACES[place]}" for place in ("AL", "AN", "AS", "IL", "IN", "LA")},
    **{f"INJ{place}": f"{_INJURY}, {_PLACES[place]}" for place in ("AL", "AS", "IL", "IN", "LA")},
}  # fmt: skip


def described(statements: Mapping[str, float]) -> str:
    """Signs of all statements of a recording; the statement itself where its signs are not known.

    Examples
    --------
    >>> described({"1AVB": 100.0, "LOWT": 0.0, "XYZ": 50.0})
    'long pr interval; flat t wave; xyz'
    """
    return "; ".join(SIGNS.get(code, code.lower()) for code in statements)
