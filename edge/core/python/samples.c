#include "binding.h"

#include "../samples.h"

#include <string.h>

#define MOST_INPUTS (1 << 24) /* of a model: ours have 3,040 */

static PyObject *within(PyObject *module, PyObject *args)
{
    PyObject *samples;
    Py_buffer x;
    double limit;
    int all;
    (void)module;
    if (!PyArg_ParseTuple(args, "Od:within", &samples, &limit) || ecg_borrow(samples, &x, 'd', -1, 0) < 0)
        return NULL;
    all = ecg_within(x.buf, x.len / x.itemsize, limit);
    PyBuffer_Release(&x);
    return PyBool_FromLong(all);
}

static PyObject *ring_write(PyObject *module, PyObject *args)
{
    PyObject *stored, *samples;
    Py_buffer store, x;
    long long written;
    Py_ssize_t capacity;
    double less;
    (void)module;
    if (!PyArg_ParseTuple(args, "OLOd:ring_write", &stored, &written, &samples, &less) ||
        ecg_borrow(stored, &store, 'f', -1, 1) < 0)
        return NULL;
    if (ecg_borrow(samples, &x, 'd', -1, 0) < 0) {
        PyBuffer_Release(&store);
        return NULL;
    }
    capacity = store.len / store.itemsize / 2;
    if (capacity < 1 || written < 0 || written > 1LL << 60) {
        PyErr_SetString(PyExc_ValueError, "a ring has room for a sample, and a count of what was written");
    } else {
        ecg_ring_write(store.buf, capacity, written, x.buf, x.len / x.itemsize, less);
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&store);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* The last `n` samples over their amplitude, with zeros in front of fewer. */
static PyObject *scaled(const float *samples, Py_ssize_t count, Py_ssize_t size, double floor, Py_ssize_t n, double clip)
{
    PyObject *out = PyBytes_FromStringAndSize(NULL, n * (Py_ssize_t)sizeof(float));
    float *y;
    if (out == NULL)
        return NULL;
    y = (float *)(void *)PyBytes_AsString(out);
    memset(y, 0, (size_t)(n - count) * sizeof *y);
    if (count > 0)
        ecg_scale(samples, count, (float)ecg_amplitude(samples, count, size, floor), (float)clip, y + (n - count));
    return out;
}

static PyObject *model_input(PyObject *module, PyObject *args)
{
    PyObject *samples, *out = NULL;
    Py_buffer x;
    Py_ssize_t size, n, count;
    double floor, clip;
    (void)module;
    if (!PyArg_ParseTuple(args, "Ondnd:model_input", &samples, &size, &floor, &n, &clip) ||
        ecg_borrow(samples, &x, 'f', -1, 0) < 0)
        return NULL;
    count = x.len / x.itemsize;
    if (n < 1 || n > MOST_INPUTS || size < 1 || !(floor > 0.0) || !(clip >= 0.0)) {
        PyErr_SetString(PyExc_ValueError, "lengths, the floor and the limit are above 0");
    } else {
        const float *last = (const float *)x.buf + (count > n ? count - n : 0);
        count = count > n ? n : count;
        size = size < count || count == 0 ? size : count;
        if (count / size > ECG_MOST_PIECES)
            PyErr_Format(PyExc_ValueError, "at most %d pieces are taken", ECG_MOST_PIECES);
        else
            out = scaled(last, count, size, floor, n, clip);
    }
    PyBuffer_Release(&x);
    return out;
}

static PyMethodDef functions[] = {
    {"within", within, METH_VARARGS, "within(samples, limit): whether all are numbers, and none is beyond."},
    {"ring_write", ring_write, METH_VARARGS, "ring_write(store, written, samples, less): append to a mirrored ring."},
    {"model_input", model_input, METH_VARARGS,
     "model_input(signal, size, floor, n, clip): the last n samples over their amplitude (bytes of float32)."},
    {NULL, NULL, 0, NULL},
};

int ecg_add_samples(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
