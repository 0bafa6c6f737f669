"""The frame of ``firmware/ecg_frame.h``, for your own firmware."""
