"""What commands that stream share: wearables side by side, doors, recorders, marks, the page."""
