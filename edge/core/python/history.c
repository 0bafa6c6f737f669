#include "binding.h"

#include <string.h>

#include "../history.h"

static const double SHORTEST_RR_S = 0.001;

typedef struct {
    PyObject_HEAD
    struct ecg_history history;
} History;

/* A copy, so that nothing is held while the beat is looked at. */
static int copy_wave(PyObject *object, float wave[ECG_WAVE])
{
    Py_buffer view;
    int i;
    if (ecg_borrow(object, &view, 'f', ECG_WAVE, 0) < 0)
        return -1;
    memcpy(wave, view.buf, ECG_WAVE * sizeof *wave);
    PyBuffer_Release(&view);
    for (i = 0; i < ECG_WAVE; i++)
        if (!(wave[i] >= -ECG_MOST_MV && wave[i] <= ECG_MOST_MV)) {
            PyErr_SetString(PyExc_ValueError, "a wave is wanted of finite numbers, of at most 1e30 mV");
            return -1;
        }
    return 0;
}

static int interval(PyObject *object, double *seconds)
{
    *seconds = PyFloat_AsDouble(object);
    if (*seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (!(*seconds >= SHORTEST_RR_S)) {
        PyErr_SetString(PyExc_ValueError, "an interval between beats is at least 0.001 s");
        return -1;
    }
    return 0;
}

/* The first three arguments: wave, seconds to the beat before (None for the first beat) and to the next one. */
static int beat_of(PyObject *const *arguments, Py_ssize_t n, Py_ssize_t least, Py_ssize_t most, float *wave,
    struct ecg_beat *beat)
{
    if (n < least || n > most) {
        PyErr_Format(PyExc_TypeError, "%zd to %zd arguments are wanted, not %zd", least, most, n);
        return -1;
    }
    beat->wave = wave;
    beat->before = 0.0;
    if (arguments[1] != Py_None && interval(arguments[1], &beat->before) < 0)
        return -1;
    return interval(arguments[2], &beat->after) < 0 ? -1 : copy_wave(arguments[0], wave);
}

static PyObject *take_if_template(PyObject *self, PyObject *const *arguments, Py_ssize_t n)
{
    float wave[ECG_WAVE];
    struct ecg_beat beat;
    if (beat_of(arguments, n, 3, 3, wave, &beat) < 0)
        return NULL;
    return PyBool_FromLong(ecg_history_take_if_template(&((History *)self)->history, &beat));
}

static int positive(PyObject *object, float *value)
{
    const double given = PyFloat_AsDouble(object);
    if (given == -1.0 && PyErr_Occurred())
        return -1;
    if (!(given >= 1e-30 && given <= 1e30)) {
        PyErr_SetString(PyExc_ValueError, "clip and scale must be positive numbers");
        return -1;
    }
    *value = (float)given;
    return 0;
}

/* INT8 codes of a row: scale and zero point are the last two arguments. */
static PyObject *codes_of(const float *row, PyObject *const *arguments)
{
    int8_t codes[ECG_BEAT_INPUTS];
    const long zero = PyLong_AsLong(arguments[1]);
    float scale;
    if ((zero == -1 && PyErr_Occurred()) || positive(arguments[0], &scale) < 0)
        return NULL;
    if (zero < -128 || zero > 127) {
        PyErr_SetString(PyExc_ValueError, "a zero point is from -128 to 127");
        return NULL;
    }
    ecg_beat_codes(row, scale, (int)zero, codes);
    return PyBytes_FromStringAndSize((const char *)codes, sizeof codes);
}

static PyObject *inputs(PyObject *self, PyObject *const *arguments, Py_ssize_t n)
{
    float wave[ECG_WAVE], row[ECG_BEAT_INPUTS], clip;
    struct ecg_beat beat;
    if (beat_of(arguments, n, 4, 6, wave, &beat) < 0 || positive(arguments[3], &clip) < 0)
        return NULL;
    if (n == 5) {
        PyErr_SetString(PyExc_TypeError, "a scale is wanted with its zero point");
        return NULL;
    }
    ecg_history_inputs(&((History *)self)->history, &beat, clip, row);
    return n == 6 ? codes_of(row, arguments + 4) : PyBytes_FromStringAndSize((const char *)row, sizeof row);
}

static PyObject *learn(PyObject *self, PyObject *const *arguments, Py_ssize_t n)
{
    float wave[ECG_WAVE];
    struct ecg_beat beat;
    int teach = 1;
    if (beat_of(arguments, n, 3, 4, wave, &beat) < 0)
        return NULL;
    if (n == 4 && (teach = PyObject_IsTrue(arguments[3])) < 0)
        return NULL;
    ecg_history_learn(&((History *)self)->history, &beat, teach);
    Py_RETURN_NONE;
}

static PyObject *reset(PyObject *self, PyObject *none)
{
    (void)none;
    ecg_history_reset(&((History *)self)->history);
    Py_RETURN_NONE;
}

static PyObject *snapshot(PyObject *self, PyObject *none)
{
    PyObject *copy = PyType_GenericAlloc(Py_TYPE(self), 0);
    (void)none;
    if (copy != NULL)
        ((History *)copy)->history = ((History *)self)->history;
    return copy;
}

static PyObject *restore(PyObject *self, PyObject *other)
{
    if (!PyObject_TypeCheck(other, Py_TYPE(self))) {
        PyErr_SetString(PyExc_TypeError, "a snapshot of a History is wanted");
        return NULL;
    }
    ((History *)self)->history = ((History *)other)->history;
    Py_RETURN_NONE;
}

/* Memory of a new object is zeros, which is what a history begins with. */
static PyObject *new_history(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (PyTuple_Size(arguments) != 0 || (keywords != NULL && PyDict_Size(keywords) > 0)) {
        PyErr_SetString(PyExc_TypeError, "History takes no arguments");
        return NULL;
    }
    return PyType_GenericAlloc(type, 0);
}

static void deallocate(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

static PyMethodDef methods[] = {
    {"take_if_template", FAST(take_if_template), "Take a beat if it is plainly the template beat."},
    {"inputs", FAST(inputs), "What the network reads of a beat: float32, or INT8 codes with a scale and zero point."},
    {"learn", FAST(learn), "Remember a beat."},
    {"reset", reset, METH_NOARGS, "Forget the wearer."},
    {"snapshot", snapshot, METH_NOARGS, "A copy of this history."},
    {"restore", restore, METH_O, "Become what a snapshot was."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_doc, "What a wearer's beats and rhythm were like so far."},
    {Py_tp_new, (void *)new_history},
    {Py_tp_dealloc, (void *)deallocate},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec type_spec = {"ecgedge._core.History", sizeof(History), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    type_slots};

/* Rows of many beats, into memory of the caller. */
static void fill(const float *waves, const float *rhythm, float clip, Py_ssize_t n, float *out)
{
    Py_ssize_t i;
    for (i = 0; i < n; i++)
        ecg_beat_inputs(waves + i * 3 * ECG_WAVE, rhythm + i * ECG_RHYTHM, clip, out + i * ECG_BEAT_INPUTS);
}

static int fill_checked(PyObject *const *arguments, const Py_buffer *waves)
{
    const Py_ssize_t n = waves->len / (3 * ECG_WAVE * (Py_ssize_t)sizeof(float));
    Py_buffer rhythm, out;
    float clip;
    if (n * 3 * ECG_WAVE * (Py_ssize_t)sizeof(float) != waves->len) {
        PyErr_SetString(PyExc_ValueError, "three waves of 80 samples are wanted of each beat");
        return -1;
    }
    if (positive(arguments[2], &clip) < 0 || ecg_borrow(arguments[1], &rhythm, 'f', n * ECG_RHYTHM, 0) < 0)
        return -1;
    if (ecg_borrow(arguments[3], &out, 'f', n * ECG_BEAT_INPUTS, 1) < 0) {
        PyBuffer_Release(&rhythm);
        return -1;
    }
    fill(waves->buf, rhythm.buf, clip, n, out.buf);
    PyBuffer_Release(&out);
    PyBuffer_Release(&rhythm);
    return 0;
}

static PyObject *beat_inputs(PyObject *module, PyObject *const *arguments, Py_ssize_t n)
{
    Py_buffer waves;
    int failed;
    (void)module;
    if (n != 4) {
        PyErr_SetString(PyExc_TypeError, "waves, rhythm, clip and an array for the rows are wanted");
        return NULL;
    }
    if (ecg_borrow(arguments[0], &waves, 'f', -1, 0) < 0)
        return NULL;
    failed = fill_checked(arguments, &waves);
    PyBuffer_Release(&waves);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"beat_inputs", FAST(beat_inputs), "Rows of the beat network from waves and figures of the rhythm."},
    {NULL, NULL, 0, NULL},
};

int ecg_add_history(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&type_spec);
    int failed;
    if (type == NULL)
        return -1;
    failed = PyModule_AddObjectRef(module, "History", type);
    Py_DECREF(type);
    return failed < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
