"""Where a sample belongs: decoder, timeline, host clock. No device is named here."""
