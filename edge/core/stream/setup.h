/* All that a stream needs and never changes: filters and models for one sampling rate, as the exporter writes them
 * (ecgedge_export/micro/firmware.py). May lie in flash. */
#ifndef ECG_SETUP_PARTS_H
#define ECG_SETUP_PARTS_H

#include "beat_net.h"
#include "ecg_core.h"
#include "front.h"
#include "gate.h"
#include "net8.h"

/* What a class means. */
enum ecg_role {
    ECG_OTHER_ROLE,
    ECG_NORMAL,
    ECG_SUPRAVENTRICULAR,
    ECG_VENTRICULAR,
    ECG_AF,
    ECG_OTHER_RHYTHM,
    ECG_NOISE,
    ECG_UNNAMED
};

/* A network that names: a letter and a role for each class. */
struct ecg_namer {
    const struct ecg_net8 *net; /* NULL: none */
    const char *names;
    const uint8_t *roles; /* enum ecg_role */
    float clip;           /* of its inputs */
};

struct ecg_gate_limits {
    const struct ecg_gate_model *model;
    const char *const *reasons; /* what it means that a feature speaks against a stretch */
    double usable, morphology; /* least scores */
    int32_t window;            /* samples */
};

/* Limits of an answer about atrial fibrillation, in 30 s and more, and in less. */
struct ecg_af_limits {
    double absent, present, absent_short, present_short;
};

struct ecg_rhythm_limits {
    double temperature, conclusive, sure;
    struct ecg_af_limits af;
    int32_t window, hop, first; /* samples: of a window, to the next one, of the first */
};

struct ecg_stream;

/* What a phone computes beside, see monitor/further.c: a pointer, so that nothing of it lies in flash elsewhere. */
struct ecg_further {
    size_t (*bytes)(const struct ecg_setup *setup); /* of its own memory, and of scratch */
    size_t (*room)(const struct ecg_setup *setup);
    void (*begin)(struct ecg_stream *stream); /* a stream */
    void (*start)(struct ecg_stream *stream); /* a segment, with its first sample */
    /* After each verdict of the gate, and after the gate at each tick. */
    void (*assessed)(struct ecg_stream *stream, int64_t start, int64_t end, const struct ecg_quality_event *quality);
    void (*advance)(struct ecg_stream *stream);
};

struct ecg_setup {
    double fs_in, fs; /* in Hz: of the samples, and of the models */
    struct ecg_front_design front;
    const struct ecg_beat_net *beat_net;
    struct ecg_namer beats, rhythm;
    struct ecg_gate_limits gate;
    struct ecg_rhythm_limits limits;
    int32_t kept, raw; /* samples that are kept behind the filters, and before them */
    double hrv_s;      /* length of the window of heart rate variability, for `further` */
    const struct ecg_further *further; /* NULL: nothing beside */
};

#endif
