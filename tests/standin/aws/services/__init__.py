"""The resource types, a module a service or part of one."""
