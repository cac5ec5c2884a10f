"""The ports: one file per net and framework, `impls/<framework>/<net>.py`."""
