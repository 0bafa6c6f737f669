/* What arrival times know about the stamps of a stream: the twin of ecgedge_bridge/stream/arrival.py. */
#ifndef ECG_ARRIVALS_H
#define ECG_ARRIVALS_H

struct ecg_arrivals {
    double host_sum, device_sum, mean;
    double host_s, delay, floor, least, before, bucket_s;
    int frames;
};

void ecg_arrivals_init(struct ecg_arrivals *arrivals);

/* Take the first frame, or the first one after a clock has moved. */
void ecg_arrivals_restart(struct ecg_arrivals *arrivals, double host_time_s);

/* Take a frame that is placed; where nothing is missing before it, pace is measured. */
void ecg_arrivals_add(struct ecg_arrivals *arrivals, double device_step_s, double host_time_s, int is_whole);

/* Whether arrival times may be asked. */
int ecg_arrivals_keep_pace(const struct ecg_arrivals *arrivals);

/* Time since the newest frame arrived. */
double ecg_arrivals_host_step_s(const struct ecg_arrivals *arrivals, double host_time_s);

/* Whether a frame whose stamp says `elapsed_s` would hold samples from the future. */
int ecg_arrivals_is_ahead(const struct ecg_arrivals *arrivals, double elapsed_s, double host_time_s);

/* How late a frame is, whose stamp is so much after the newest one's. */
double ecg_arrivals_late_s(const struct ecg_arrivals *arrivals, double device_step_s, double host_time_s);

/* Time between the last samples of the newest frame and of one that arrives now. */
double ecg_arrivals_elapsed_s(const struct ecg_arrivals *arrivals, double host_time_s);

/* A span of host time, limited to what can be calculated with; what is no number is 0. */
double ecg_bounded(double seconds);

#define ECG_DRIFT 0.01 /* over a long silence both clocks drift */

#endif
