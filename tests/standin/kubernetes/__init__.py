"""A stand-in for the official ``kubernetes`` plugin, over a real API server.

Tests run the kit's program on it where the official plugin cannot be had. It imitates what that
plugin (4.34) documents: which inputs replace, what it waits for, what it writes into the state.
Results that came from it are named as such.
"""
