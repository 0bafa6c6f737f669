#include "arrivals.h"

#include <math.h>

/* Named and explained in ecgedge_bridge/stream: arrival.py, limits.py, unwrap.py. */
static const double MAX_HOST_GAP_S = 10.0 * 365.0 * 86400.0, MAX_GAP_S = 3600.0, BUCKET_S = 10.0, MEMORY_S = 30.0;
static const double LEAST_S = 1.0, PACE_SLACK_S = 0.25, PACE_SLACK = 0.05, FLOOR_S = 0.02, FLOOR_SHARE = 4.0;
enum { MOST_FRAMES = 32 };

double ecg_bounded(double seconds)
{
    if (!isfinite(seconds))
        return 0.0;
    seconds = seconds > 0.0 ? seconds : 0.0;
    return seconds < MAX_HOST_GAP_S ? seconds : MAX_HOST_GAP_S;
}

void ecg_arrivals_init(struct ecg_arrivals *a)
{
    a->host_sum = a->device_sum = a->mean = 0.0;
    ecg_arrivals_restart(a, NAN);
}

void ecg_arrivals_restart(struct ecg_arrivals *a, double host_time_s)
{
    a->host_s = host_time_s;
    a->delay = a->floor = a->least = a->before = a->bucket_s = 0.0;
    a->frames = 1;
}

int ecg_arrivals_keep_pace(const struct ecg_arrivals *a)
{
    const double device = a->device_sum;
    return device >= LEAST_S && fabs(a->host_sum - device) <= PACE_SLACK_S + PACE_SLACK * device;
}

static int counted(const struct ecg_arrivals *a)
{
    return a->frames < MOST_FRAMES ? a->frames : MOST_FRAMES;
}

double ecg_arrivals_host_step_s(const struct ecg_arrivals *a, double host_time_s)
{
    return ecg_bounded(host_time_s - a->host_s);
}

int ecg_arrivals_is_ahead(const struct ecg_arrivals *a, double elapsed_s, double host_time_s)
{
    double slack_s;
    if (!ecg_arrivals_keep_pace(a))
        return elapsed_s > MAX_GAP_S;
    slack_s = FLOOR_S + FLOOR_SHARE * a->mean / counted(a) + ECG_DRIFT * ecg_arrivals_host_step_s(a, host_time_s);
    return ecg_arrivals_late_s(a, elapsed_s, host_time_s) < -slack_s;
}

double ecg_arrivals_late_s(const struct ecg_arrivals *a, double device_step_s, double host_time_s)
{
    return a->delay + ecg_arrivals_host_step_s(a, host_time_s) - device_step_s - a->floor;
}

double ecg_arrivals_elapsed_s(const struct ecg_arrivals *a, double host_time_s)
{
    const double elapsed_s = ecg_arrivals_host_step_s(a, host_time_s) + a->delay - a->floor - a->mean;
    return elapsed_s > 0.0 ? elapsed_s : 0.0;
}

void ecg_arrivals_add(struct ecg_arrivals *a, double device_step_s, double host_time_s, int is_whole)
{
    const double step_s = ecg_arrivals_host_step_s(a, host_time_s);
    if (is_whole) {
        a->host_sum += step_s;
        a->device_sum += device_step_s;
        if (a->device_sum > MEMORY_S) {
            a->host_sum /= 2.0;
            a->device_sum /= 2.0;
        }
    }
    a->delay += step_s - device_step_s;
    a->host_s = host_time_s;
    if (!ecg_arrivals_keep_pace(a)) {
        a->least = a->before = a->delay;
        a->frames = 1;
        a->bucket_s = 0.0;
    }
    a->bucket_s += device_step_s;
    if (a->bucket_s >= BUCKET_S) {
        a->bucket_s = 0.0;
        a->before = a->least;
        a->least = a->delay;
    }
    a->least = a->delay < a->least ? a->delay : a->least;
    a->floor = a->before < a->least ? a->before : a->least;
    if (a->frames < MOST_FRAMES)
        a->frames++;
    a->mean += (a->delay - a->floor - a->mean) / counted(a);
}
