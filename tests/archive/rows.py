"""Every row of an archive, as the database has it: to see that a repeat changes none."""

from sqlalchemy import select

from services.archive.engine import open_engine, transaction
from services.archive.tables import metadata


async def all_rows(database_url: str) -> dict[str, list[tuple]]:
    engine = open_engine(database_url, writes=False)
    try:
        async with transaction(engine) as connection:
            return {
                table.name: sorted((tuple(row) for row in await connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
    finally:
        await engine.dispose()
