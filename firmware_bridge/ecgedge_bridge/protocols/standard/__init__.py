"""Services of the Bluetooth SIG: heart rate and battery."""
