"""What the store sends, as pure builders of operations: no input, no output, no waiting.

The synchronous and the asynchronous store run the same operations, so each command stands once.
"""
