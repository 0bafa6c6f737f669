#include "binding.h"

#include "../numbers.h"

static PyObject *log_of(PyObject *module, PyObject *x)
{
    const double value = PyFloat_AsDouble(x);
    (void)module;
    if (value == -1.0 && PyErr_Occurred())
        return NULL;
    if (!(value >= DBL_MIN && value <= DBL_MAX)) {
        PyErr_SetString(PyExc_ValueError, "a logarithm needs a number above 0");
        return NULL;
    }
    return PyFloat_FromDouble(ecg_log(value));
}

static PyObject *exp_of(PyObject *module, PyObject *x)
{
    const double value = PyFloat_AsDouble(x);
    (void)module;
    if (value == -1.0 && PyErr_Occurred())
        return NULL;
    if (value != value) {
        PyErr_SetString(PyExc_ValueError, "a power that is no number");
        return NULL;
    }
    return PyFloat_FromDouble(ecg_exp(value));
}

static PyObject *turn_of(PyObject *module, PyObject *turns)
{
    const double value = PyFloat_AsDouble(turns);
    double cosine, sine;
    (void)module;
    if (value == -1.0 && PyErr_Occurred())
        return NULL;
    if (!(value >= -1073741824.0 && value <= 1073741824.0)) {
        PyErr_SetString(PyExc_ValueError, "an angle of at most 2**30 turns is wanted");
        return NULL;
    }
    ecg_turn(value, &cosine, &sine);
    return Py_BuildValue("dd", cosine, sine);
}

static PyMethodDef functions[] = {
    {"log", log_of, METH_O, "Natural logarithm."},
    {"exp", exp_of, METH_O, "e to a power."},
    {"turn", turn_of, METH_O, "Cosine and sine of 2 pi times turns."},
    {NULL, NULL, 0, NULL},
};

int ecg_add_numbers(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
