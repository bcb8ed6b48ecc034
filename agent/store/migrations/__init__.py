"""Alembic's folder: env.py and one file per schema version. Run by agent.store.migrate at every start."""
