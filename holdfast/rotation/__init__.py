"""Rotation: new passwords, certificates and CAs for a store that serves meanwhile."""
