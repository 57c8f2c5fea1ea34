"""The servers behind the emulated ElastiCache: ``api`` is the boundary, the rest is theirs."""
