/* Events as lines of JSON: the very bytes of `ecgedge replay --json`. */
#ifndef ECG_JSON_H
#define ECG_JSON_H

#include "ecg_core.h"

/* Write the line of an event, with a newline and a zero behind it; `classes` are ecg_rhythm_names(). Returns its
 * length without the zero, as snprintf does: where that is `room` or more, it was cut. */
size_t ecg_event_json(const struct ecg_event *event, const char *classes, char *line, size_t room);

#endif
