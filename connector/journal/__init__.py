"""The local journal: every frame is on disk before it counts as received, until Kafka has committed it.

`journal` is one stream's store, a SQLite database; `files` finds, locks and, where it must, sets databases aside.
"""

from connector.journal.entry import Entry, Kind
from connector.journal.files import Belongs, folder_problem, has_journal, open_journal
from connector.journal.journal import Journal

__all__ = ["Belongs", "Entry", "Journal", "Kind", "folder_problem", "has_journal", "open_journal"]
