/* Order statistics: which value is the k-th does not depend on how it was found. */
#ifndef ECG_ORDER_H
#define ECG_ORDER_H

/* The value that would stand at place k of n in ascending order; moves the values about. */
float ecg_select(float *x, int n, int k);

/* Ascending order, for some hundred values at most. */
void ecg_sort(double *x, int n);

#endif
