/* What the files that make Python objects of the core have in common. Limited API of CPython 3.11: one build serves
 * all later versions. */
#ifndef ECG_BINDING_H
#define ECG_BINDING_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

/* A C-contiguous array that the caller lent; give it back with PyBuffer_Release. Checks the type (b and B of one byte, i
 * and f of four, d of eight), and the number of values where count is not negative; with `writable`, it may be written
 * to. Returns 0, or -1 with an exception. */
int ecg_borrow(PyObject *object, Py_buffer *view, char format, Py_ssize_t count, int writable);

/* A bytes object is the cheapest new memory that Python can be given; numpy reads it without a copy. */

/* Each adds its types or functions to the module; 0, or -1 with an exception. */
int ecg_add_beats(PyObject *module);
int ecg_add_net8(PyObject *module);
int ecg_add_numbers(PyObject *module);
int ecg_add_gate(PyObject *module);
int ecg_add_front(PyObject *module);
int ecg_add_samples(PyObject *module);
int ecg_add_history(PyObject *module);
int ecg_add_hrv(PyObject *module);

#endif
