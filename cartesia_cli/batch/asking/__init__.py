"""How often an engine may be asked: what the API allows, and what may be spent."""
