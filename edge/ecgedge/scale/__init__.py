"""Many recordings on many cores or machines: ``ecgedge batch``.

One recording is one task of Dask. A worker reads it, writes its part files and a receipt into the folder of
results, and tells the driver no more than that receipt, so that neither the scheduler nor the driver ever
holds results. What is in the folder is the only state: a run that was cut off goes on from it.
"""
