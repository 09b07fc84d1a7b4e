from tests.db.fixtures import (
    clock,
    data_dir,
    database_url,
    open_again,
    quick_dir,
    sqlite_store,
    store,
)
