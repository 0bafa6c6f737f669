/* All that a stream needs and never changes: filters and models for one sampling rate, as the exporter writes them
 * (ecgedge_export/micro/firmware.py). May lie in flash. */
#ifndef ECG_SETUP_PARTS_H
#define ECG_SETUP_PARTS_H

#include "beat_net.h"
#include "front.h"
#include "gate.h"
#include "net8.h"

/* What a class means. */
enum ecg_role { ECG_OTHER_ROLE, ECG_NORMAL, ECG_SUPRAVENTRICULAR, ECG_VENTRICULAR, ECG_AF, ECG_OTHER_RHYTHM, ECG_NOISE };

/* A network that names: a letter and a role for each class. */
struct ecg_namer {
    const struct ecg_net8 *net; /* NULL: none */
    const char *names;
    const uint8_t *roles; /* enum ecg_role */
    float clip;           /* of its inputs */
};

struct ecg_gate_limits {
    const struct ecg_gate_model *model;
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

struct ecg_setup {
    double fs_in, fs; /* in Hz: of the samples, and of the models */
    struct ecg_front_design front;
    const struct ecg_beat_net *beat_net;
    struct ecg_namer beats, rhythm;
    struct ecg_gate_limits gate;
    struct ecg_rhythm_limits limits;
    int32_t kept, raw; /* samples that are kept behind the filters, and before them */
};

#endif
