/* ecgedge._core.Intervals: from beats to measures of heart rate variability; spectrum and entropy as functions. */
#include "binding.h"

#include "../hrv.h"

#include <math.h>
#include <string.h>

#define MOST_INTERVALS (1 << 26) /* two years of them: lengths of memory stay far below 2^31 */

typedef struct {
    PyObject_HEAD
    struct ecg_nn_cleaner cleaner;
    struct ecg_nn_window window;
    struct ecg_nn_interval *decided; /* and not in the window yet: from `next` on */
    int next, decisions, places;
    int fresh;
} Intervals;

static PyObject *intervals_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Intervals *self;
    if (PyTuple_Size(args) > 0 || (kwargs != NULL && PyDict_Size(kwargs) > 0)) {
        PyErr_SetString(PyExc_TypeError, "Intervals takes no arguments");
        return NULL;
    }
    self = (Intervals *)PyType_GenericNew(type, args, kwargs);
    if (self != NULL)
        ecg_nn_cleaner_reset(&self->cleaner);
    return (PyObject *)self;
}

static void intervals_dealloc(PyObject *object)
{
    Intervals *self = (Intervals *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->decided);
    PyMem_Free(self->window.kept);
    PyMem_Free(self->window.sorted);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

/* Room for the verdicts of one more beat. */
static int room_to_decide(Intervals *self)
{
    struct ecg_nn_interval *grown;
    int places;
    if (self->next > 0) {
        memmove(self->decided, self->decided + self->next, (size_t)self->decisions * sizeof(*grown));
        self->next = 0;
    }
    if (self->decisions + ECG_NN_MOST <= self->places)
        return 0;
    if (self->places > MOST_INTERVALS) {
        PyErr_NoMemory();
        return -1;
    }
    places = 2 * self->places + 4 * ECG_NN_MOST;
    grown = PyMem_Realloc(self->decided, (size_t)places * sizeof(*grown));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->decided = grown;
    self->places = places;
    return 0;
}

/* Room for one more interval in the window. */
static int room_to_keep(struct ecg_nn_window *w)
{
    const int capacity = 2 * w->capacity + 64;
    struct ecg_nn_kept *kept;
    int32_t *sorted;
    if (w->count < w->capacity)
        return 0;
    if (w->capacity > MOST_INTERVALS) {
        PyErr_NoMemory();
        return -1;
    }
    kept = PyMem_Realloc(w->kept, (size_t)capacity * sizeof(*kept));
    if (kept != NULL)
        w->kept = kept;
    sorted = PyMem_Realloc(w->sorted, (size_t)capacity * sizeof(*sorted));
    if (sorted != NULL)
        w->sorted = sorted;
    if (kept == NULL || sorted == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    w->capacity = capacity;
    return 0;
}

static int time_of(PyObject *object, double *value)
{
    *value = PyFloat_AsDouble(object);
    if (*value == -1.0 && PyErr_Occurred())
        return -1;
    if (*value > -1e15 && *value < 1e15)
        return 0;
    PyErr_SetString(PyExc_ValueError, "a time within 1e15 s is wanted");
    return -1;
}

static PyObject *intervals_push(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Intervals *self = (Intervals *)object;
    double beat_s;
    int normal;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "push takes a time and whether the beat is normal");
        return NULL;
    }
    normal = PyObject_IsTrue(args[1]);
    if (normal < 0 || time_of(args[0], &beat_s) < 0 || room_to_decide(self) < 0)
        return NULL;
    if (self->cleaner.has_last && beat_s <= self->cleaner.last_s) {
        PyErr_SetString(PyExc_ValueError, "a beat is not later than the one before it: beats must ascend");
        return NULL;
    }
    self->decisions += ecg_nn_push(&self->cleaner, beat_s, normal, self->decided + self->next + self->decisions);
    Py_RETURN_NONE;
}

static PyObject *intervals_end_run(PyObject *object, PyObject *none)
{
    Intervals *self = (Intervals *)object;
    (void)none;
    if (room_to_decide(self) < 0)
        return NULL;
    self->decisions += ecg_nn_end_run(&self->cleaner, self->decided + self->next + self->decisions);
    Py_RETURN_NONE;
}

static PyObject *intervals_keep(PyObject *object, PyObject *until)
{
    Intervals *self = (Intervals *)object;
    double until_s;
    if (time_of(until, &until_s) < 0)
        return NULL;
    while (self->decisions > 0 && self->decided[self->next].end_s <= until_s) {
        const struct ecg_nn_interval *interval = &self->decided[self->next];
        if (room_to_keep(&self->window) < 0)
            return NULL;
        ecg_nn_add(&self->window, interval);
        self->fresh |= interval->normal;
        self->next++;
        self->decisions--;
    }
    if (self->decisions > 0)
        return PyFloat_FromDouble(self->decided[self->next].end_s);
    Py_RETURN_NONE;
}

static PyObject *intervals_fresh(PyObject *object, PyObject *none)
{
    (void)none;
    return PyBool_FromLong(((Intervals *)object)->fresh);
}

static PyObject *intervals_waiting_s(PyObject *object, PyObject *none)
{
    const struct ecg_nn_cleaner *cleaner = &((Intervals *)object)->cleaner;
    (void)none;
    if (cleaner->waits > 0)
        return PyFloat_FromDouble(cleaner->waiting[0].end_s);
    Py_RETURN_NONE;
}

static PyObject *intervals_silent_s(PyObject *object, PyObject *now)
{
    const struct ecg_nn_cleaner *cleaner = &((Intervals *)object)->cleaner;
    double now_s;
    if (time_of(now, &now_s) < 0)
        return NULL;
    return PyFloat_FromDouble(cleaner->has_last ? now_s - cleaner->last_s : 0.0);
}

/* A tuple of two counts and eighteen numbers, None for NaN. */
static PyObject *as_tuple(const struct ecg_nn_measures *m)
{
    const double values[] = {m->usable, m->mean_nn_ms, m->sdnn_ms, m->rmssd_ms, m->sdsd_ms, m->pnn20, m->pnn50,
        m->cvnn, m->cvsd, m->median_nn_ms, m->mad_nn_ms, m->iqr_nn_ms, m->sd1_ms, m->sd2_ms, m->sample_entropy,
        m->lf_ms2, m->hf_ms2, m->lf_hf};
    const int count = (int)(sizeof(values) / sizeof(values[0]));
    PyObject *tuple = PyTuple_New(count + 2);
    int i;
    for (i = 0; tuple != NULL && i < count + 2; i++) {
        PyObject *item;
        if (i < 2)
            item = PyLong_FromLong(i ? m->n_nn : m->n_rr);
        else if (isnan(values[i - 2]))
            item = Py_NewRef(Py_None);
        else
            item = PyFloat_FromDouble(values[i - 2]);
        if (item == NULL || PyTuple_SetItem(tuple, i, item) < 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *intervals_measured(PyObject *object, PyObject *args)
{
    Intervals *self = (Intervals *)object;
    struct ecg_nn_measures measures;
    double start_s, end_s, *room;
    int failed;
    if (!PyArg_ParseTuple(args, "dd:measured", &start_s, &end_s))
        return NULL;
    ecg_nn_forget(&self->window, start_s);
    if (self->window.normals == 0)
        Py_RETURN_NONE;
    room = PyMem_Malloc(ecg_nn_room(self->window.count) * sizeof(double));
    if (room == NULL)
        return PyErr_NoMemory();
    self->fresh = 0;
    failed = ecg_nn_measure(&self->window, start_s, end_s, room, &measures);
    PyMem_Free(room);
    if (!failed)
        return as_tuple(&measures);
    PyErr_SetString(PyExc_ValueError, "a window of more than ten minutes has no spectrum here");
    return NULL;
}

/* Bins of a spectrum; 0 with an exception. */
static int checked_bins(const double *t, Py_ssize_t n)
{
    Py_ssize_t i;
    int bins;
    for (i = 0; i < n; i++)
        if (!(t[i] > -1e15 && t[i] < 1e15) || (i > 0 && t[i] < t[i - 1])) {
            PyErr_SetString(PyExc_ValueError, "intervals must end one after the other, within 1e15 s");
            return 0;
        }
    bins = n > 1 << 24 ? -1 : ecg_band_bins(t, (int)n, 1 << 24);
    if (bins < 1)
        PyErr_Format(PyExc_ValueError,
            bins < 0 ? "%zd intervals are too many, or too far apart" :
                       "%zd intervals of less than 25 s have no spectrum: give five minutes", n);
    return bins < 1 ? 0 : bins;
}

static PyObject *powers_of(const Py_buffer *end_s, const Py_buffer *nn_ms)
{
    const Py_ssize_t n = end_s->len / (Py_ssize_t)sizeof(double);
    const int bins = checked_bins(end_s->buf, n);
    double *room, lf = 0.0, hf = 0.0;
    if (bins == 0)
        return NULL;
    room = PyMem_Malloc((2 * (size_t)n + 6 * (size_t)bins) * sizeof(double));
    if (room == NULL)
        return PyErr_NoMemory();
    memcpy(room, end_s->buf, (size_t)end_s->len);
    memcpy(room + n, nn_ms->buf, (size_t)end_s->len);
    ecg_band_powers(room, room + n, (int)n, bins, room + 2 * n, &lf, &hf);
    PyMem_Free(room);
    return Py_BuildValue("dd", lf, hf);
}

static PyObject *band_powers(PyObject *module, PyObject *args)
{
    PyObject *times, *values, *found = NULL;
    Py_buffer end_s, nn_ms;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO:band_powers", &times, &values) || ecg_borrow(times, &end_s, 'd', -1, 0) < 0)
        return NULL;
    if (ecg_borrow(values, &nn_ms, 'd', end_s.len / (Py_ssize_t)sizeof(double), 0) == 0) {
        found = powers_of(&end_s, &nn_ms);
        PyBuffer_Release(&nn_ms);
    }
    PyBuffer_Release(&end_s);
    return found;
}

static PyObject *entropy_of(const Py_buffer *x, const Py_buffer *joined, unsigned tolerance)
{
    const Py_ssize_t n = joined->len;
    const uint8_t *flags = joined->buf;
    uint8_t *room;
    Py_ssize_t i;
    double entropy;
    if (n > 1 << 20) {
        PyErr_SetString(PyExc_ValueError, "at most a million values are wanted");
        return NULL;
    }
    room = PyMem_Malloc(2 * (size_t)n + 1);
    if (room == NULL)
        return PyErr_NoMemory();
    for (i = 0; i < n; i++)
        room[n + i] = flags[i] != 0;
    entropy = ecg_sample_entropy(x->buf, room + n, (int)n, tolerance, room);
    PyMem_Free(room);
    if (isnan(entropy))
        Py_RETURN_NONE;
    return PyFloat_FromDouble(entropy);
}

static PyObject *sample_entropy(PyObject *module, PyObject *args)
{
    PyObject *values, *flags, *found = NULL;
    Py_buffer x, joined;
    int tolerance;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOi:sample_entropy", &values, &flags, &tolerance))
        return NULL;
    if (tolerance < 0) {
        PyErr_SetString(PyExc_ValueError, "a tolerance of 0 or more is wanted");
        return NULL;
    }
    if (ecg_borrow(values, &x, 'i', -1, 0) < 0)
        return NULL;
    if (ecg_borrow(flags, &joined, 'B', x.len / (Py_ssize_t)sizeof(int32_t), 0) == 0) {
        found = entropy_of(&x, &joined, (unsigned)tolerance);
        PyBuffer_Release(&joined);
    }
    PyBuffer_Release(&x);
    return found;
}

static PyMethodDef methods[] = {
    {"push", (PyCFunction)(void (*)(void))intervals_push, METH_FASTCALL, "Take a beat's time, whether it is normal."},
    {"end_run", intervals_end_run, METH_NOARGS, "No interval spans what comes now."},
    {"keep", intervals_keep, METH_O, "Put what has ended into the window; the end of the next."},
    {"fresh", intervals_fresh, METH_NOARGS, "Whether NN intervals have come since the window was measured."},
    {"waiting_s", intervals_waiting_s, METH_NOARGS, "End of the earliest interval without a verdict."},
    {"silent_s", intervals_silent_s, METH_O, "Seconds without a beat in this run."},
    {"measured", intervals_measured, METH_VARARGS, "Drop what began before the start, measure what is left."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Intervals(): from beats to measures of heart rate variability, by classes."},
    {Py_tp_new, (void *)intervals_new},
    {Py_tp_dealloc, (void *)intervals_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    "ecgedge._core.Intervals", sizeof(Intervals), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

static PyMethodDef functions[] = {
    {"band_powers", band_powers, METH_VARARGS, "Power in the low and the high band."},
    {"sample_entropy", sample_entropy, METH_VARARGS, "Sample entropy, or None."},
    {NULL, NULL, 0, NULL},
};

int ecg_add_hrv(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int failed;
    if (type == NULL)
        return -1;
    failed = PyModule_AddObjectRef(module, "Intervals", type);
    Py_DECREF(type);
    return failed < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
