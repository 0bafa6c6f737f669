/* Power spectrum of a short real signal, its sums in the order of ecgedge/gate/spectrum.py. */
#ifndef ECG_SPECTRUM_H
#define ECG_SPECTRUM_H

#define ECG_SPECTRUM_STAGES 31 /* more than 32 bits have */

/* What a length needs: cosines and sines of whole parts of a turn, and the factors of half of it. */
struct ecg_spectrum {
    int n;
    int stages, radix[ECG_SPECTRUM_STAGES]; /* no stages: the length has other factors, and each bin is summed */
    double *cosine, *sine;
};

/* Plan a length from 1 on; `table` holds 2 n doubles and stays with the plan. */
void ecg_spectrum_plan(struct ecg_spectrum *plan, int n, double *table);

/* Squared magnitude of the first `bins` (at most n / 2 + 1) of the transform of x; `work` holds 2 n + 2 doubles. */
void ecg_spectrum_powers(const struct ecg_spectrum *plan, const double *x, double *work, int bins, double *power);

#endif
