"""What stands in for AWS in tests: a plugin, a control plane, real Valkey servers."""
