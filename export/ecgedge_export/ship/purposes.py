"""What each model is for, and what it is not for, in the words of its card."""

from __future__ import annotations

from ecgedge.artefacts.manifest import Manifest

_PURPOSE = {
    "rhythm": "Names the rhythm of up to 30 seconds of one ECG lead: N (normal sinus rhythm), A (atrial\n"
    "fibrillation), O (another rhythm), ~ (too noisy).",
    "beat_classes": "Names each heart beat of one ECG lead by its AAMI class: N (normal, bundle branch\n"
    "block, escape), S (supraventricular ectopic), V (ventricular ectopic), F (fusion), Q (paced or not\n"
    "to be told). One beat late: the interval that follows counts.",
    "gate": "Tells whether ten seconds of one ECG lead are good enough to name the rhythm, and whether the\n"
    "shape of their beats can be trusted. Two logistic regressions over features of beats and signal, fitted"
    "\nwith atrial fibrillation and ectopic beats among the clean windows: an irregular rhythm is no noise.",
    "waves": "Finds P, QRS and T of each beat of one ECG lead: a small network looks at 1.44 s around an R\n"
    "peak and says for each sample which wave it belongs to.",
    "tokens": "Makes a word of each beat of one ECG lead: a small network puts the beat, from midpoint to\n"
    "midpoint, near one of 256 codes. Code, interval and height are three bytes, and give an approximate\n"
    "waveform again.",
    "leads": "Guesses leads II and V1 to V6 in mV from lead I: a small U-Net of least squared error.\n"
    "III, aVR, aVL and aVF follow from I and II. Its leads are for looking at, with their warning.",
    "beats": "Finds the R peaks of one ECG lead: a small network gives the probability of a beat for each\n"
    "sample, and beats are where it is highest.",
}
NOT_FOR = {
    "rhythm": (
        "Diagnosis, and any decision about a treatment: this is not a medical device.",
        "Rhythms that the training data has no name for: tachycardias, blocks and frequent ectopic beats are "
        "all O.",
        "Atrial flutter: too few recordings have it. It is unknown whether one is called O, A, or neither.",
        "Ischaemia, infarction, QT, or anything else that the shape of a beat says.",
        "Children, implanted pacemakers, and leads that are far from lead I: nobody measured them here.",
    ),
    "beat_classes": (
        "Diagnosis, and any decision about a treatment: this is not a medical device.",
        "Supraventricular beats that are hardly early, or in an irregular rhythm without P waves (atrial "
        "fibrillation, flutter with changing block, multifocal atrial rhythms): see the records.",
        "Alarms: ventricular tachycardia and fibrillation are not recognised as such.",
        "Paced rhythms: paced beats are hardly in the training data.",
        "Children, and leads without a clear R wave: nobody measured them here.",
    ),
    "gate": (
        "A grade of signal quality for other purposes than rhythm and shape of beats.",
        "Noise that does not pass the filters: baseline wander alone is let through.",
        "Leads that are far from lead I, and children: nobody measured them here.",
    ),
    "waves": (
        "Diagnosis, and any decision about a treatment or a drug that prolongs QT: this is not a medical "
        "device.",
        "P waves that no QRS follows (second and third degree AV block), flutter waves, U waves, delta "
        "waves.",
        "ST segments: the filters remove the base line, and ST with it.",
        "Ectopic and paced beats: hardly any are marked in the training data.",
        "Children, and exercise: nobody measured them here.",
    ),
    "tokens": (
        "Diagnosis, and any decision about a treatment: this is not a medical device.",
        "A waveform to be measured: what is decoded is the nearest of 256 shapes, not the wearer's own. ST, "
        "QT, P waves and notches of a QRS may be another person's.",
        "What lies between beats, and noise: it is not in the words, so that decoded noise looks like an "
        "ECG. Keep the gate's verdicts beside them.",
        "Atrial flutter and fibrillation waves, ventricular fibrillation, paced spikes.",
    ),
    "leads": (
        "Diagnosis of any kind: this is not a medical device, and eleven of the twelve leads were never "
        "measured.",
        "Infarction, ischaemia, hypertrophy, bundle branch block by chest leads: a lead that is guessed from "
        "lead I holds nothing that lead I does not, and looks normal where the person is not.",
        "Sizes: guesses are smaller than the true leads, see the variance ratio.",
        "ST segments and QT of other leads: the filters remove the base line, and ST with it.",
        "Signals in raw counts, or upside down: mV and polarity count.",
        "Children, exercise, and electrodes that are far from both arms: nobody measured them here.",
    ),
    "beats": (
        "Alarms: ventricular fibrillation has no beats to find.",
        "P and T waves, and the borders of the QRS complex: only R peaks are found.",
        "Paced rhythms, which it learnt from made shapes: nobody measured them on people.",
    ),
}


def purpose(m: Manifest) -> str:
    """What a model does; for one of own recordings from its classes."""
    if "own_data" not in m.metrics:
        return _PURPOSE[m.task]
    classes = ", ".join(f"{name} ({role})" for name, role in m.roles.items())
    return f"Names the rhythm of up to {m.window_s:g} seconds of one ECG lead: {classes}."
