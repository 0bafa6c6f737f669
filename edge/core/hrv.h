/* Heart rate variability: which intervals are NN, those of the last minutes, and their measures.
 *
 * ecgedge/hrv/ says what each means; sums of intervals are integers of 1 us, and exact for windows of up to 600 s.
 */
#ifndef ECG_HRV_H
#define ECG_HRV_H

#include <stddef.h>
#include <stdint.h>

#define ECG_NN_LONGEST_US 3000000
#define ECG_NN_MEDIAN_OF 11
#define ECG_NN_MOST 4 /* intervals that one beat, or the end of a run, decides about: less than this */
#define ECG_NN_BINS 256 /* frequencies of a spectrum of 600 s: 0.4 Hz times that, and some */
#define ECG_NN_ENTROPY_MOST 2048

/* An interval with its verdict, as ecgedge.hrv.cleaning.Interval. */
struct ecg_nn_interval {
    double end_s;
    int32_t rr_us;
    uint8_t normal, follows;
};

/* Decides by the classes of beats, as ecgedge.hrv.by_class.ClassCleaner. */
struct ecg_nn_cleaner {
    int32_t recent[ECG_NN_MEDIAN_OF];
    int recents, oldest;
    struct ecg_nn_interval waiting[ECG_NN_MOST];
    int waits;
    double last_s;
    int32_t before_us; /* -1 where there is none */
    uint8_t has_last, last_normal, any;
};

void ecg_nn_cleaner_reset(struct ecg_nn_cleaner *cleaner);

/* Take a beat, later than the one before; the number of intervals decided about, written to `out`. */
int ecg_nn_push(struct ecg_nn_cleaner *cleaner, double beat_s, int normal, struct ecg_nn_interval *out);

/* No interval spans what comes now. */
int ecg_nn_end_run(struct ecg_nn_cleaner *cleaner, struct ecg_nn_interval *out);

/* Count, sum and sum of squares: whole numbers modulo 2^64, which what is taken out again leaves right. */
struct ecg_nn_moments {
    uint64_t n, total, squares;
};

struct ecg_nn_kept {
    double end_s;
    int32_t rr_us, before_us; /* the NN interval that it follows, 0 where that is not in the window */
    uint8_t normal;
};

/* The intervals of the last seconds, as ecgedge.hrv.measures.NnWindow. `kept` and `sorted` have room for `capacity`. */
struct ecg_nn_window {
    struct ecg_nn_kept *kept;
    int32_t *sorted;
    int capacity, first, count, normals;
    struct ecg_nn_moments nn, steps, pairs;
    int32_t over_20, over_50;
};

/* In the order of ecgedge.events.HrvMeasures; NaN for what cannot be computed. */
struct ecg_nn_measures {
    int n_rr, n_nn;
    double usable, mean_nn_ms, sdnn_ms, rmssd_ms, sdsd_ms, pnn20, pnn50, cvnn, cvsd;
    double median_nn_ms, mad_nn_ms, iqr_nn_ms, sd1_ms, sd2_ms, sample_entropy, lf_ms2, hf_ms2, lf_hf;
};

void ecg_nn_window_reset(struct ecg_nn_window *window);

/* Take an interval of at most ECG_NN_LONGEST_US; there must be room: window->count < window->capacity. */
void ecg_nn_add(struct ecg_nn_window *window, const struct ecg_nn_interval *interval);

/* Drop the intervals that began before. */
void ecg_nn_forget(struct ecg_nn_window *window, double start_s);

/* Doubles of scratch for measures of so many intervals. */
size_t ecg_nn_room(int count);

/* 0, or -1 where the times of the intervals contradict their lengths. */
int ecg_nn_measure(const struct ecg_nn_window *window, double start_s, double end_s, double *room,
    struct ecg_nn_measures *out);

/* Sample entropy with m = 2 of n values, NaN where nothing matches; `joined`: whether a value continues the one
 * before; `close` holds n bytes. */
double ecg_sample_entropy(const int32_t *x, const uint8_t *joined, int n, uint32_t tolerance, uint8_t *close);

/* Frequencies that band powers of n intervals take; 0 where they span less than 25 s, -1 where there are more than
 * `most`. */
int ecg_band_bins(const double *end_s, int n, int most);

/* Power from 0.04 to 0.15 and from 0.15 to 0.4 Hz; t and x are written to, `room` holds 6 times `bins` doubles. */
void ecg_band_powers(double *t, double *x, int n, int bins, double *room, double *lf, double *hf);

#endif
