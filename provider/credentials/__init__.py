"""Passwords, the CA and its certificates, and the files that hold secrets on this machine."""
