"""Server processes on this machine: config files, start order, live reconfiguration, clusters."""
