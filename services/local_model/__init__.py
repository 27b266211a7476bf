"""A small real model behind an OpenAI-compatible HTTP server of its own, so that nothing has to be signed up for."""
