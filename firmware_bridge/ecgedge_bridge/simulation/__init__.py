"""Virtual wearables, their faults, and the air between them and the client."""
