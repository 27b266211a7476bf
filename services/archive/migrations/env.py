"""Run by Alembic, with the connection (and its transaction) that `services.archive.migrate` gives it."""

from alembic import context

from services.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction is around all of it, on SQLite too
)
context.run_migrations()
