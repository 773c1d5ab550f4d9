"""Files as DuckLake names them."""

import time
import uuid
from pathlib import Path


def written(folder: Path, age_s: float = 0.0, *, text: str = "rows") -> Path:
    """One in a folder, so old."""
    at_ms = int((time.time() - age_s) * 1000)
    number = uuid.UUID(int=at_ms << 80 | 7 << 76 | uuid.uuid4().int & (1 << 76) - 1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ducklake-{number}.parquet"
    path.write_text(text)
    return path
