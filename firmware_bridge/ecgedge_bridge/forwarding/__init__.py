"""What a node near a wearable passes on, and how a gateway makes a stream of it again; no network is here."""
