"""Events as a monitor would give them: beats, verdicts of the gate, windows of rhythm."""

from ecgedge import Beat, Quality, Rhythm

FS = 100.0


def beats(symbols, start_s=0.0, rr_s=0.8):
    out = []
    for i, symbol in enumerate(symbols):
        at = start_s + rr_s * i
        out.append(Beat(round(at * FS), at, 1e3 * rr_s if i else None, symbol))
    return out


def verdicts(accepted):
    return [
        Quality(1000 * i, 10.0 * i, 1000 * (i + 1), 10.0 * (i + 1), ok, 0.9) for i, ok in enumerate(accepted)
    ]


def rhythm(start_s, end_s, label="N", af=False):
    return Rhythm(
        round(start_s * FS), start_s, round(end_s * FS), end_s, label, label, {label: 1.0}, True, False, af
    )
