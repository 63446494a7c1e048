"""`make accept`: every promise of the README, shown with real processes."""
