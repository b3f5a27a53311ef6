"""Runs revisions on the connection that the caller opened (see `service.storage.schema`)."""

from alembic import context

from service.storage.tables import StudyRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=StudyRow.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
