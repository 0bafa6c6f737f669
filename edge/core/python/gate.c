/* ecgedge._core.Gate: features and verdicts of windows; clipping and ranges as functions. */
#include "binding.h"

#include "../gate.h"

#include <string.h>

typedef struct {
    PyObject_HEAD
    struct ecg_gate gate;
    struct ecg_gate_model model;
    double *memory;
} Gate;

/* A window that the caller lent. */
typedef struct {
    Py_buffer x, at, confidence;
    struct ecg_gate_beats beats;
    int n;
} Lent;

enum { LONGEST = 1 << 30 }; /* samples where the cost of each is the same */
static const double SLOWEST = 25.0, FASTEST = 4000.0; /* Hz */

static int check_rate(double fs)
{
    if (fs >= SLOWEST && fs <= FASTEST)
        return 0;
    PyErr_SetString(PyExc_ValueError, "a rate of 25 to 4000 Hz is wanted");
    return -1;
}

static int gate_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Gate *gate = (Gate *)self;
    PyObject *numbers;
    Py_buffer view;
    double fs;
    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Gate takes no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "dO:Gate", &fs, &numbers) || check_rate(fs) < 0)
        return -1;
    if (ecg_borrow(numbers, &view, 'd', sizeof(gate->model) / sizeof(double), 0) < 0)
        return -1;
    memcpy(&gate->model, view.buf, sizeof(gate->model));
    PyBuffer_Release(&view);
    PyMem_Free(gate->memory);
    gate->memory = NULL;
    ecg_gate_plan(&gate->gate, fs, 0, 0, NULL);
    return 0;
}

static void gate_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((Gate *)self)->memory);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Memory for longer windows or more beats than there were so far. */
static int make_room(Gate *self, int n, int beats)
{
    struct ecg_gate *gate = &self->gate;
    double *memory;
    if (gate->fs < SLOWEST) {
        PyErr_SetString(PyExc_ValueError, "this Gate was not initialised");
        return -1;
    }
    if (self->memory != NULL && n <= gate->longest && beats <= gate->beats)
        return 0;
    n = n > gate->longest ? n : gate->longest;
    beats = beats > gate->beats ? beats : gate->beats;
    memory = PyMem_Malloc(ecg_gate_memory(n, beats, gate->fs) * sizeof(double));
    if (memory == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(self->memory);
    self->memory = memory;
    ecg_gate_plan(gate, gate->fs, n, beats, memory);
    return 0;
}

static void give_back(Lent *lent)
{
    PyBuffer_Release(&lent->x);
    PyBuffer_Release(&lent->at);
    PyBuffer_Release(&lent->confidence);
}

static int check_beats(const struct ecg_gate_beats *beats, int n)
{
    int i;
    for (i = 0; i < beats->count; i++)
        if (!(beats->at[i] >= 0.0 && beats->at[i] <= n)) {
            PyErr_SetString(PyExc_ValueError, "a beat lies outside of its window");
            return -1;
        }
    return 0;
}

static int check_window(Lent *lent)
{
    const Py_ssize_t n = lent->x.len / (Py_ssize_t)sizeof(float), count = lent->at.len / (Py_ssize_t)sizeof(double);
    if (n < ECG_GATE_SHORTEST || n > ECG_GATE_LONGEST || count > ECG_GATE_MOST_BEATS) {
        PyErr_Format(PyExc_ValueError, "a window of %zd samples with %zd beats is none", n, count);
        return -1;
    }
    lent->n = (int)n;
    lent->beats.at = lent->at.buf;
    lent->beats.confidence = lent->confidence.buf;
    lent->beats.count = (int)count;
    return check_beats(&lent->beats, lent->n);
}

static int borrow_window(PyObject *x, PyObject *at, PyObject *confidence, Lent *lent)
{
    if (ecg_borrow(x, &lent->x, 'f', -1, 0) < 0)
        return -1;
    if (ecg_borrow(at, &lent->at, 'd', -1, 0) < 0) {
        PyBuffer_Release(&lent->x);
        return -1;
    }
    if (ecg_borrow(confidence, &lent->confidence, 'd', lent->at.len / (Py_ssize_t)sizeof(double), 0) < 0) {
        PyBuffer_Release(&lent->x);
        PyBuffer_Release(&lent->at);
        return -1;
    }
    if (check_window(lent) < 0) {
        give_back(lent);
        return -1;
    }
    return 0;
}

static PyObject *gate_features(PyObject *self, PyObject *args)
{
    Gate *gate = (Gate *)self;
    PyObject *x, *at, *confidence;
    double features[ECG_GATE_FEATURES];
    Lent lent;
    int failed;
    if (!PyArg_ParseTuple(args, "OOO:features", &x, &at, &confidence) || borrow_window(x, at, confidence, &lent) < 0)
        return NULL;
    failed = make_room(gate, lent.n, lent.beats.count);
    if (!failed)
        ecg_gate_features(&gate->gate, lent.x.buf, lent.n, &lent.beats, features);
    give_back(&lent);
    return failed ? NULL : PyBytes_FromStringAndSize((const char *)features, sizeof(features));
}

static PyObject *gate_assess(PyObject *self, PyObject *args)
{
    Gate *gate = (Gate *)self;
    PyObject *x, *at, *confidence, *before_object;
    double features[ECG_GATE_FEATURES], before = 0.0;
    struct ecg_gate_verdict verdict;
    Lent lent;
    int failed;
    if (!PyArg_ParseTuple(args, "OOOO:assess", &x, &at, &confidence, &before_object))
        return NULL;
    if (before_object != Py_None && (before = PyFloat_AsDouble(before_object)) == -1.0 && PyErr_Occurred())
        return NULL;
    if (borrow_window(x, at, confidence, &lent) < 0)
        return NULL;
    failed = make_room(gate, lent.n, lent.beats.count);
    if (!failed) {
        ecg_gate_features(&gate->gate, lent.x.buf, lent.n, &lent.beats, features);
        ecg_gate_judge(&gate->model, features, before_object == Py_None ? NULL : &before, &verdict);
    }
    give_back(&lent);
    if (failed)
        return NULL;
    return Py_BuildValue("dddy#", verdict.log_odds, verdict.score, verdict.morphology, (const char *)verdict.against,
        (Py_ssize_t)sizeof(verdict.against));
}

static PyObject *clipping(PyObject *module, PyObject *args)
{
    PyObject *x;
    Py_buffer view;
    Py_ssize_t n;
    double fs, held_s = 0.0, share = 0.0;
    float *room;
    (void)module;
    if (!PyArg_ParseTuple(args, "Od:clipping", &x, &fs) || ecg_borrow(x, &view, 'f', -1, 0) < 0)
        return NULL;
    n = view.len / (Py_ssize_t)sizeof(float);
    if (!(fs > 0.0 && fs < 1e6) || n > LONGEST) {
        PyErr_SetString(PyExc_ValueError, "a rate above 0 and at most 2**30 samples are wanted");
        PyBuffer_Release(&view);
        return NULL;
    }
    room = PyMem_Malloc((n > ECG_CLIPPING_ROOM ? (size_t)n : ECG_CLIPPING_ROOM) * sizeof(float));
    if (room != NULL)
        share = ecg_clipping(view.buf, (int)n, fs, room, &held_s);
    PyBuffer_Release(&view);
    if (room == NULL)
        return PyErr_NoMemory();
    PyMem_Free(room);
    return Py_BuildValue("dd", share, held_s);
}

static PyObject *flat_share(PyObject *module, PyObject *args)
{
    PyObject *x;
    Py_buffer view;
    double fs, share = 0.0;
    int failed;
    (void)module;
    if (!PyArg_ParseTuple(args, "Od:flat_share", &x, &fs) || check_rate(fs) < 0 ||
        ecg_borrow(x, &view, 'f', -1, 0) < 0)
        return NULL;
    failed = view.len / (Py_ssize_t)sizeof(float) > LONGEST;
    if (!failed)
        share = ecg_gate_flat_share(view.buf, (int)(view.len / (Py_ssize_t)sizeof(float)), fs);
    PyBuffer_Release(&view);
    if (!failed)
        return PyFloat_FromDouble(share);
    PyErr_SetString(PyExc_ValueError, "at most 2**30 samples are wanted");
    return NULL;
}

static PyObject *ranges_of(PyObject *module, PyObject *args)
{
    PyObject *x, *out = NULL;
    Py_buffer view;
    Py_ssize_t n;
    int size;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oi:ranges", &x, &size) || ecg_borrow(x, &view, 'f', -1, 0) < 0)
        return NULL;
    n = view.len / (Py_ssize_t)sizeof(float);
    if (size < 1 || n > LONGEST || n > PY_SSIZE_T_MAX / 16)
        PyErr_SetString(PyExc_ValueError, "pieces of one sample or more are wanted, of at most 2**30");
    else
        out = PyBytes_FromStringAndSize(NULL, n / size * (Py_ssize_t)sizeof(double));
    if (out != NULL)
        ecg_ranges(view.buf, (int)n, size, (double *)PyBytes_AsString(out));
    PyBuffer_Release(&view);
    return out;
}

static PyMethodDef methods[] = {
    {"features", gate_features, METH_VARARGS, "Features of a window, 25 doubles."},
    {"assess", gate_assess, METH_VARARGS, "Log odds, score, that of morphology, what each feature adds."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Gate(fs, numbers): the noise gate; numbers are those of struct ecg_gate_model."},
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_init, (void *)gate_init},
    {Py_tp_dealloc, (void *)gate_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"ecgedge._core.Gate", sizeof(Gate), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

static PyMethodDef functions[] = {
    {"clipping", clipping, METH_VARARGS, "Share of samples on a rail, longest stretch at an extreme in seconds."},
    {"flat_share", flat_share, METH_VARARGS, "Share of half-second pieces that hardly move."},
    {"ranges", ranges_of, METH_VARARGS, "Range of each whole piece of so many samples."},
    {NULL, NULL, 0, NULL},
};

int ecg_add_gate(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int failed;
    if (type == NULL)
        return -1;
    failed = PyModule_AddObjectRef(module, "Gate", type);
    Py_DECREF(type);
    return failed < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
