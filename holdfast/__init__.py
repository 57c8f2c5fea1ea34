"""The session store of an AI-agent fleet: the client."""
