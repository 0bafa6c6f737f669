"""Sources that are no Bluetooth device: a serial port, a TCP connection, standard input, an LSL stream."""
