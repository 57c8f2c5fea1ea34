"""Settings of a stack: typed, offline, every value checked before anything is created."""
