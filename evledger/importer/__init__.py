"""Past sessions from CSV and XLSX files as messages of the session-event contract."""

from evledger.importer.importing import Imported, Outcome, import_file
from evledger.importer.mapping import MapError
from evledger.importer.table import TableError

__all__ = ["Imported", "MapError", "Outcome", "TableError", "import_file"]
