"""Writes the S3 objects of a corpus as Parquet too, as an independent party.

    parquet.py DIR      DIR/s3-*.log.gz -> DIR/s3-*.log.parquet

Types, names and compression are those of AWS: underscores, INT32, INT64 and text,
null for what is absent, pages of gzip. The same corpus and the same pyarrow give
the same bytes.
"""

import gzip
import pathlib
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "test"))
from parquet import AMOUNTS, NUMBERS  # noqa: E402


def main(directory):
    for source in sorted(pathlib.Path(directory).glob("s3-*.log.gz")):
        with gzip.open(source, "rt") as text:
            fields = text.readline().split()
        types = {f: pa.int32() if f in NUMBERS else pa.int64() if f in AMOUNTS else pa.string() for f in fields}
        table = pyarrow.csv.read_csv(
            pa.input_stream(str(source), compression="gzip"),
            parse_options=pyarrow.csv.ParseOptions(delimiter=" "),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, null_values=["-"], strings_can_be_null=True),
        )
        table = table.rename_columns([name.replace("-", "_") for name in table.column_names])
        target = source.with_suffix(".parquet")
        aside = target.with_suffix(".part")
        pyarrow.parquet.write_table(table, aside, compression="gzip")
        aside.replace(target)


if __name__ == "__main__":
    main(sys.argv[1])
