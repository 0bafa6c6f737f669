/* BeatNet: the weights, and memory to run them, that all detectors share; Detector: a stream's own. */
#include "binding.h"

#include <math.h>
#include <string.h>

#include "../detector.h"

#define MOST_SAMPLES ((int64_t)1 << 50) /* positions are exact in a double, with fractions to spare */

struct net_object {
    PyObject_HEAD
    struct ecg_beat_net net;
    struct ecg_detector_room room; /* a run is never left half done: whoever has the interpreter may use it */
};

struct detector_object {
    PyObject_HEAD
    struct net_object *net;
    struct ecg_detector detector;
};

static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc give_back = (freefunc)PyType_GetSlot(type, Py_tp_free);
    give_back(self);
    Py_DECREF(type);
}

static PyObject *new_object(PyTypeObject *type)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return allocate(type, 0);
}

/* ---- BeatNet */

static int no_keywords(PyObject *keywords)
{
    if (keywords == NULL || PyDict_Size(keywords) == 0)
        return 0;
    PyErr_SetString(PyExc_TypeError, "no keywords are taken");
    return -1;
}

static PyObject *net_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    struct net_object *self;
    PyObject *values;
    Py_buffer view;
    double threshold, back;
    int channels;
    if (no_keywords(keywords) < 0 || !PyArg_ParseTuple(args, "iOdd", &channels, &values, &threshold, &back))
        return NULL;
    if (channels < 1 || channels > ECG_BEAT_CHANNELS) {
        PyErr_Format(PyExc_ValueError, "1 to %d channels are wanted, not %d", ECG_BEAT_CHANNELS, channels);
        return NULL;
    }
    if (!isfinite(threshold) || !isfinite(back)) {
        PyErr_SetString(PyExc_ValueError, "finite thresholds are wanted");
        return NULL;
    }
    if (ecg_borrow(values, &view, 'f', ecg_beat_net_size(channels), 0) < 0)
        return NULL;
    self = (struct net_object *)new_object(type);
    if (self != NULL)
        ecg_beat_net_init(&self->net, channels, view.buf, threshold, back);
    PyBuffer_Release(&view);
    return (PyObject *)self;
}

static PyObject *net_run(PyObject *object, PyObject *x)
{
    struct net_object *self = (struct net_object *)object;
    float p[ECG_BEAT_HOP];
    Py_buffer view;
    if (ecg_borrow(x, &view, 'f', ECG_BEAT_LENGTH, 0) < 0)
        return NULL;
    memcpy(self->room.x, view.buf, sizeof self->room.x);
    PyBuffer_Release(&view);
    ecg_beat_net_run(&self->net, self->room.x, &self->room.net, p);
    return PyBytes_FromStringAndSize((const char *)p, sizeof p);
}

static void net_free(PyObject *object)
{
    free_object(object);
}

/* Whether an object is a BeatNet. What frees it says so: no other type has that function, no type can be made from this
 * one, and a module that is loaded again has types of its own. */
static int is_net(PyObject *object)
{
    return PyType_GetSlot(Py_TYPE(object), Py_tp_dealloc) == (void *)net_free;
}

static PyMethodDef net_methods[] = {
    {"run", net_run, METH_O, "Probability of a beat at each sample of a hop, as bytes of float32."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot net_slots[] = {
    {Py_tp_new, (void *)net_new},
    {Py_tp_dealloc, (void *)net_free},
    {Py_tp_methods, net_methods},
    {Py_tp_doc, (void *)"BeatNet(channels, values, threshold, back): the network that finds beats."},
    {0, NULL},
};

static PyType_Spec net_spec = {
    "ecgedge._core.BeatNet", sizeof(struct net_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, net_slots,
};

/* ---- Detector */

static PyObject *detector_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    struct detector_object *self;
    PyObject *net;
    if (no_keywords(keywords) < 0 || !PyArg_ParseTuple(args, "O:Detector", &net))
        return NULL;
    if (!is_net(net)) {
        PyErr_SetString(PyExc_TypeError, "a BeatNet is wanted");
        return NULL;
    }
    self = (struct detector_object *)new_object(type);
    if (self == NULL)
        return NULL;
    Py_INCREF(net);
    self->net = (struct net_object *)net;
    ecg_detector_init(&self->detector, &self->net->net);
    return (PyObject *)self;
}

static void detector_free(PyObject *object)
{
    Py_CLEAR(((struct detector_object *)object)->net);
    free_object(object);
}

static PyObject *detector_reset(PyObject *object, PyObject *unused)
{
    (void)unused;
    ecg_detector_reset(&((struct detector_object *)object)->detector);
    Py_RETURN_NONE;
}

static int append_beats(PyObject *list, const struct ecg_found_beat *beats, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; i++) {
        PyObject *beat = Py_BuildValue("dd", beats[i].position, beats[i].confidence);
        const int failed = beat == NULL || PyList_Append(list, beat) < 0;
        Py_XDECREF(beat);
        if (failed)
            return -1;
    }
    return 0;
}

/* Look at all hops that are due. Returns a new list, or NULL with an exception. */
static PyObject *look_at_all(struct detector_object *self, const struct ecg_kept *kept, int ended)
{
    struct ecg_found_beat beats[ECG_MOST_BEATS];
    PyObject *list = PyList_New(0);
    while (list != NULL && ecg_detector_due(&self->detector, kept, ended)) {
        const int32_t n = ecg_detector_look(&self->detector, kept, &self->net->room, beats);
        if (n < 0)
            PyErr_SetString(PyExc_IndexError, "the beat detector needs samples that are not kept any more");
        if (n < 0 || append_beats(list, beats, n) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *detector_advance(PyObject *object, PyObject *args)
{
    PyObject *samples, *found = NULL;
    struct ecg_kept kept;
    Py_buffer view;
    long long written;
    int ended;
    if (!PyArg_ParseTuple(args, "OLp", &samples, &written, &ended))
        return NULL;
    if (ecg_borrow(samples, &view, 'f', -1, 0) < 0)
        return NULL;
    kept.samples = view.buf;
    kept.capacity = view.len / (2 * view.itemsize);
    kept.written = written;
    if (kept.capacity < 1 || view.len != 2 * kept.capacity * view.itemsize)
        PyErr_SetString(PyExc_ValueError, "the array of a ring holds each sample twice");
    else if (written < 0 || written > MOST_SAMPLES)
        PyErr_SetString(PyExc_ValueError, "at most 2**50 samples can be in a segment");
    else
        found = look_at_all((struct detector_object *)object, &kept, ended);
    PyBuffer_Release(&view);
    return found;
}

static PyMethodDef detector_methods[] = {
    {"reset", detector_reset, METH_NOARGS, "Start a new segment."},
    {"advance", detector_advance, METH_VARARGS,
        "advance(samples, written, ended): positions and confidences of the beats in the signal since; samples is "
        "the array of a ring, which holds each of its samples twice."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot detector_slots[] = {
    {Py_tp_new, (void *)detector_new},
    {Py_tp_dealloc, (void *)detector_free},
    {Py_tp_methods, detector_methods},
    {Py_tp_doc, (void *)"Detector(net): finds R peaks in the filtered signal of a segment."},
    {0, NULL},
};

static PyType_Spec detector_spec = {
    "ecgedge._core.Detector", sizeof(struct detector_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    detector_slots,
};

int ecg_add_beats(PyObject *module)
{
    PyObject *net = PyType_FromSpec(&net_spec), *detector = PyType_FromSpec(&detector_spec);
    int failed = net == NULL || detector == NULL;
    failed = failed || PyModule_AddObjectRef(module, "BeatNet", net) < 0;
    failed = failed || PyModule_AddObjectRef(module, "Detector", detector) < 0;
    Py_XDECREF(detector);
    Py_XDECREF(net);
    return failed ? -1 : 0;
}
