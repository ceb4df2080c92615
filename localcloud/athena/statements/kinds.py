"""Athena's name for each kind of statement, and the result file that it has."""

from dataclasses import dataclass
from typing import Literal

# csv: `<id>.csv`; txt: `<id>.txt`; bare: `<id>`; tables: `tables/<id>`
File = Literal["csv", "txt", "bare", "tables"]


@dataclass(frozen=True, slots=True)
class Kind:
    """StatementType, SubstatementType and the kind of result file."""

    statement: Literal["DDL", "DML", "UTILITY"]
    substatement: str
    file: File = "txt"


SELECT = Kind("DML", "SELECT", "csv")
EXPLAIN = Kind("DML", "EXPLAIN")
INSERT = Kind("DML", "INSERT", "bare")
UPDATE = Kind("DML", "UPDATE", "csv")
DELETE = Kind("DML", "DELETE", "csv")
MERGE = Kind("DML", "MERGE", "csv")
UNLOAD = Kind("DML", "UNLOAD", "bare")
CREATE_TABLE_AS_SELECT = Kind("DDL", "CREATE_TABLE_AS_SELECT", "tables")

CREATE_DATABASE = Kind("DDL", "CREATE_DATABASE")
DROP_DATABASE = Kind("DDL", "DROP_DATABASE")
ALTER_DATABASE = Kind("DDL", "ALTER_DATABASE_PROPERTIES")
CREATE_TABLE = Kind("DDL", "CREATE_TABLE")
DROP_TABLE = Kind("DDL", "DROP_TABLE")
CREATE_VIEW = Kind("DDL", "CREATE_VIEW")
DROP_VIEW = Kind("DDL", "DROP_VIEW")
ADD_COLUMNS = Kind("DDL", "ALTER_TABLE_ADD_COLUMN")
REPLACE_COLUMNS = Kind("DDL", "ALTER_TABLE_REPLACE_COLUMN")
CHANGE_COLUMN = Kind("DDL", "ALTER_TABLE_CHANGE_COLUMN")
DROP_COLUMN = Kind("DDL", "ALTER_TABLE_DROP_COLUMN")
ADD_PARTITIONS = Kind("DDL", "ALTER_TABLE_ADD_PARTITION")
DROP_PARTITIONS = Kind("DDL", "ALTER_TABLE_DROP_PARTITION")
RENAME_PARTITION = Kind("DDL", "ALTER_TABLE_RENAME_PARTITION")
RENAME_TABLE = Kind("DDL", "ALTER_TABLE_RENAME")
SET_PROPERTIES = Kind("DDL", "ALTER_TABLE_PROPERTIES")
SET_LOCATION = Kind("DDL", "ALTER_TABLE_SET_LOCATION")
MSCK_REPAIR = Kind("DDL", "MSCK_REPAIR")
OPTIMIZE = Kind("DDL", "OPTIMIZE")
VACUUM = Kind("DML", "VACUUM")
PREPARE = Kind("DDL", "PREPARE")
DEALLOCATE = Kind("DDL", "DEALLOCATE")

SHOW_DATABASES = Kind("UTILITY", "SHOW_DATABASES")
SHOW_TABLES = Kind("UTILITY", "SHOW_TABLES")
SHOW_VIEWS = Kind("UTILITY", "SHOW_VIEWS")
SHOW_COLUMNS = Kind("UTILITY", "SHOW_COLUMNS")
SHOW_PARTITIONS = Kind("UTILITY", "SHOW_PARTITIONS")
SHOW_CREATE_TABLE = Kind("UTILITY", "SHOW_CREATE_TABLE")
SHOW_CREATE_VIEW = Kind("UTILITY", "SHOW_CREATE_VIEW")
SHOW_PROPERTIES = Kind("UTILITY", "SHOW_TABLE_PROPERTIES")
DESCRIBE_TABLE = Kind("UTILITY", "DESCRIBE_TABLE")
# The kind of DESCRIBE and SHOW COLUMNS when their object turns out to be a view.
DESCRIBE_VIEW = Kind("UTILITY", "DESC_VIEW")
