"""A recipe and a reference, drafted from a model that can be imported, for its user to edit."""
