"""What leaves the house: model folders, cards, bundles, and the proof that they are what they say."""
