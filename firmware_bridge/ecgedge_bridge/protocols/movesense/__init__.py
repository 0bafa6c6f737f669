"""Movesense: GATT SensorData, and the ECG firmware's own service."""
