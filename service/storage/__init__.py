"""The database: tables, migrations, and one unit of work that everything is read and written by."""
