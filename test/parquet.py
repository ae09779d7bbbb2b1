"""Writes the same flow logs as text and as Parquet, as an independent party.

    parquet.py DIR ROWS    DIR/flows.log, and DIR/<shape>.parquet for each shape below

The shapes differ in compression, pages, dictionaries, types and columns, as
AWS, Athena, Spark and pandas write them; what they say is the same.
"""

import pathlib
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS = {"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path"}
AMOUNTS = {"packets", "bytes", "start", "end"}
FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id "
    "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
).split()


def line(rng):
    start = 1_700_000_000 + rng.randrange(3600)
    here, peer = f"10.0.{rng.randrange(4)}.{rng.randrange(256)}", f"198.51.100.{rng.randrange(256)}"
    if rng.random() < 0.1:
        peer = f"2001:db8::{rng.randrange(1, 65536):x}"
    egress = rng.random() < 0.5
    row = dict.fromkeys(FIELDS, "-")
    row |= {"version": 5, "account-id": "012345678901", "interface-id": f"eni-{rng.randrange(20):017x}", "start": start, "end": start + 59}
    row |= {"vpc-id": "vpc-1", "subnet-id": f"subnet-{rng.randrange(4)}", "region": "eu-west-1", "az-id": "euw1-az1", "log-status": "OK"}
    if rng.random() < 0.05:
        return row | {"log-status": rng.choice(["NODATA", "SKIPDATA"])}
    row |= {"srcaddr": here if egress else peer, "dstaddr": peer if egress else here, "pkt-srcaddr": here, "pkt-dstaddr": peer}
    row |= {"srcport": rng.randrange(65536), "dstport": rng.choice([22, 80, 443]), "protocol": rng.choice([6, 17])}
    row |= {"packets": rng.randrange(1, 1000), "bytes": rng.randrange(40, 1 << 40), "action": rng.choice(["ACCEPT", "ACCEPT", "REJECT"])}
    row |= {"flow-direction": "egress" if egress else "ingress", "traffic-path": rng.randrange(1, 9) if egress else "-"}
    if rng.random() < 0.7:
        row |= {"instance-id": "i-0123456789abcdef0", "tcp-flags": rng.choice([2, 3, 18, 19]), "type": "IPv4"}
    return row


def column(rows, field, kind):
    values = [row[field] for row in rows]
    if kind == "aws":  # what is absent is null
        values = [None if v == "-" else v for v in values]
        of = pa.int32() if field in NUMBERS else pa.int64() if field in AMOUNTS else pa.string()
        return pa.array(values, of)
    if kind == "required":  # no column can be null; what is absent is 0 or a hyphen
        if field in NUMBERS | AMOUNTS:
            return pa.array([0 if v == "-" else v for v in values], pa.int64())
        return pa.array([str(v) for v in values], pa.string())
    if kind == "pandas":  # integers with nulls became floats, ports texts, and the account a number
        if field == "account-id" or field == "version":
            return pa.array([int(v) for v in values], pa.int64())
        if field in ("packets", "bytes", "tcp-flags"):
            return pa.array([float("nan") if v == "-" else float(v) for v in values], pa.float64())
        if field in ("start", "end"):
            return pa.array([v * 1000 for v in values], pa.int64())
        return pa.array(["None" if v == "-" and field == "vpc-id" else "" if v == "-" and field == "srcport" else str(v) for v in values], pa.string())
    return pa.array([str(v) for v in values], pa.string())  # "text"


def table(rows, kind, fields=FIELDS):
    arrays = [column(rows, field, kind) for field in fields]
    schema = pa.schema([pa.field(f.replace("-", "_"), a.type, nullable=kind != "required") for f, a in zip(fields, arrays)])
    return pa.table(arrays, schema=schema)


def main(directory, count):
    directory, rng = pathlib.Path(directory), random.Random(1)
    rows = [line(rng) for _ in range(count)]
    (directory / "flows.log").write_text("\n".join(" ".join(str(v) for v in row.values()) for row in [dict(zip(FIELDS, FIELDS))] + rows) + "\n")

    def write(name, data, **options):
        pq.write_table(data, directory / f"{name}.parquet", **options)

    aws = table(rows, "aws")
    write("gzip", aws, compression="gzip")
    write("snappy", aws, compression="snappy", write_page_checksum=True)
    write("zstd", aws, compression="zstd", data_page_version="2.0")
    write("gzip-v2", aws, compression="gzip", data_page_version="2.0", write_page_checksum=True)
    write("none", aws, compression="none", use_dictionary=False)
    write("none-v2", aws, compression="none", use_dictionary=False, data_page_version="2.0")
    write("plain", aws, compression="gzip", use_dictionary=False)
    write("pages", aws, compression="gzip", data_page_size=64, write_batch_size=7)
    write("groups", aws, compression="gzip", row_group_size=max(count // 7, 1))
    write("dictionaries", aws, compression="snappy", dictionary_pagesize_limit=256, write_batch_size=16)
    write("text", table(rows, "text"), compression="snappy")
    write("pandas", table(rows, "pandas"), compression="snappy")
    write("required", table(rows, "required"), compression="gzip", use_dictionary=False)
    for unit, of_second in ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000):  # as engines that know times write them
        times = aws
        for field in ("start", "end"):
            column_of = pa.array([row[field] * of_second for row in rows], pa.timestamp(unit))
            times = times.set_column(FIELDS.index(field), field, column_of)
        write(f"times-{unit}", times, compression="snappy")
    categories = [aws.column(c).combine_chunks() for c in aws.column_names]
    categories = [c.dictionary_encode() if c.type == pa.string() else c for c in categories]
    write("categories", pa.table(categories, names=aws.column_names), compression="zstd")
    mixed = list(FIELDS)
    rng.shuffle(mixed)
    other = table(rows, "aws", mixed)
    other = other.append_column("a name with blanks", pa.array(range(count)))
    other = other.append_column("field_to_come", pa.array([{"a": [1, 2], "b": "x"}] * count))
    write("columns", other, compression="gzip")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
