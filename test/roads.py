"""Delivers the same flow logs on each road that AWS has, as an independent party.

    roads.py draw DIR SEED EVENTS       the traffic of a day and a half -> DIR/traffic.jsonl, DIR/inside
    roads.py kinesis DIR                envelopes of a subscription into the stream that aws.py made
    roads.py text DIR                   gzip text into S3, with its notifications -> the URL of the queue
    roads.py parquet DIR                the same as Parquet, by pyarrow
    roads.py firehose DIR URL KEY CA    requests as Firehose makes them, with retries

What a road has delivered is noted in DIR/<road>, where truth.py counts it; what of
the traffic lies between FROM and TO in DIR/inside. Each command prints one line of
JSON. The endpoint, region and credentials come from the environment.
"""

import base64
import collections
import datetime
import gzip
import http.client
import io
import json
import pathlib
import random
import ssl
import sys
import time
import urllib.parse
import uuid

import aws
import pyarrow as pa
import pyarrow.parquet as pq
from parquet import AMOUNTS, NUMBERS

ACCOUNT, REGION = "123456789012", "eu-west-1"
BEGIN = datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
HOURS = 36
FROM, TO = "2026-03-01T05:00:00Z", "2026-03-02T03:00:00Z"
OBJECT_LINES, REQUEST_LINES = 400, 150
PARTS = ("plain by the day", "plain by the hour", "hive by the day", "hive by the hour")


# --- what is delivered -----------------------------------------------------------


def draw(directory, seed, events):
    """Draws bodies, each of an hour, and notes which lie between FROM and TO."""
    author, rng = aws.Author(json.loads((directory / "world.json").read_text()), int(seed)), random.Random(int(seed))
    note, inside = Notes(directory, "traffic"), Notes(directory, "inside")
    for _ in range(int(events)):
        hour = BEGIN + datetime.timedelta(hours=rng.randrange(HOURS))
        author.now = lambda: hour.timestamp() + 65 + 5  # the windows end 65 seconds after the hour
        for group, stream, lines in author.bodies():
            body = {"group": group, "stream": stream, "lines": lines, "hour": hour.isoformat()}
            note.add(body)
            if parse_time(FROM) <= hour < parse_time(TO):
                inside.add(body)
    return {"bodies": note.bodies, "lines": note.lines, "inside": inside.lines, "from": FROM, "to": TO}


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Notes:
    """What was delivered on a road, for truth.py."""

    def __init__(self, directory, road):
        (directory / road).mkdir()
        (directory / road / "world.json").write_bytes((directory / "world.json").read_bytes())
        self.file, self.bodies, self.lines = open(directory / road / "put.jsonl", "w"), 0, 0

    def add(self, body):
        self.bodies += 1
        self.lines += len(body.get("lines", []))
        self.file.write(json.dumps(body) + "\n")
        self.file.flush()


def traffic(directory):
    return [json.loads(line) for line in (directory / "traffic" / "put.jsonl").read_text().splitlines()]


class Envelopes:
    """Writes the envelopes of a subscription."""

    def __init__(self):
        self.events = 0

    def of(self, body):
        events = []
        for line in body["lines"]:
            self.events += 1
            events.append({"id": "%056d" % self.events, "timestamp": int(time.time() * 1000), "message": line})
        return self.document("DATA_MESSAGE", ACCOUNT, body["group"], body["stream"], events)

    def probe(self, what):
        event = {"id": "", "timestamp": int(time.time() * 1000), "message": f"CWL CONTROL MESSAGE: Checking health of destination {what}."}
        return self.document("CONTROL_MESSAGE", "CloudwatchLogs", "", "", [event])

    def document(self, kind, owner, group, stream, events):
        filters = ["flow-logs"] if group else []
        document = {"messageType": kind, "owner": owner, "logGroup": group, "logStream": stream, "subscriptionFilters": filters, "logEvents": events}
        return gzip.compress(json.dumps(document, separators=(",", ":")).encode())


# --- Kinesis ---------------------------------------------------------------------


def kinesis(directory):
    client, envelopes, notes = aws.client("kinesis"), Envelopes(), Notes(directory, "kinesis")
    client.put_record(StreamName=aws.STREAM, PartitionKey="probe", Data=envelopes.probe("Kinesis stream"))
    notes.add({"control": 1})
    for body in traffic(directory):
        client.put_record(StreamName=aws.STREAM, PartitionKey=body["stream"], Data=envelopes.of(body))
        notes.add(body)
    return {"bodies": notes.bodies, "lines": notes.lines}


# --- S3 --------------------------------------------------------------------------


def objects(directory, road, suffix, contents):
    """Puts objects of one flow log and hour each, of OBJECT_LINES lines at most, and lets S3 tell a queue of them."""
    s3, sqs, rng, notes = aws.client("s3"), aws.client("sqs"), random.Random(road), Notes(directory, road)
    bucket = f"logs-{road}"
    queue = sqs.create_queue(QueueName=road, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    told = {"QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{road}", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]})
    fields = {group: f["fields"].split() for group, f in json.loads((directory / "world.json").read_text())["formats"].items()}
    bodies, count = collections.defaultdict(list), collections.Counter()
    for body in traffic(directory):
        bodies[body["group"], body["hour"]].append(body)
    for (group, hour), list_ in bodies.items():
        while list_:
            lines = []
            while list_ and len(lines) + len(list_[0]["lines"]) <= OBJECT_LINES:
                body = list_.pop(0)
                notes.add(body | {"lines": [line for line in body["lines"] if road == "text" or len(line.split()) == len(fields[group])]})
                lines += body["lines"]
            part = rng.choice(PARTS)
            count[part] += 1
            for content in contents(fields[group], lines):
                s3.put_object(Bucket=bucket, Key=key(part, group, hour, sum(count.values()), suffix, content), Body=content)
    return {"queue": queue, "bucket": bucket, "objects": sum(count.values()), "parts": count, "lines": notes.lines}


def key(part, group, hour, number, suffix, content):
    """A key as AWS makes it, plain or Hive-compatible."""
    at, log = parse_time(hour), f"fl-{group.strip('/').replace('/', '')}"
    name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{log}_{at:%Y%m%dT%H%MZ}_{number:04x}{len(content):08x}.log.{suffix}"
    if part.startswith("plain"):
        folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{at:%Y/%m/%d}"
        return f"{folder}/{at:%H}/{name}" if part.endswith("hour") else f"{folder}/{name}"
    folder = f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/year={at:%Y}/month={at:%m}/day={at:%d}"
    return f"{folder}/hour={at:%H}/{name}" if part.endswith("hour") else f"{folder}/{name}"


def text(directory):
    """As AWS writes it; now and then in two members of gzip."""
    rng = random.Random("members")

    def contents(fields, lines):
        whole = ("\n".join([" ".join(fields)] + lines) + "\n").encode()
        cut = rng.randrange(len(whole)) if rng.random() < 0.2 else 0
        yield gzip.compress(whole[:cut]) + gzip.compress(whole[cut:]) if cut else gzip.compress(whole)

    return objects(directory, "text", "gz", contents)


def parquet(directory):
    """As AWS writes it: underscores, INT32, INT64 and text, null for what is absent, gzip. What is no number there
    is text here, in an object of its own; what is no line of the flow log has no columns and is left out."""
    rng = random.Random("shapes")

    def contents(fields, lines):
        rows = [words for words in (line.split() for line in lines) if len(words) == len(fields)]
        good = [row for row in rows if all(v == "-" or v.isdigit() and int(v) < 1 << 63 for f, v in zip(fields, row) if f in NUMBERS | AMOUNTS)]
        bad = [row for row in rows if row not in good]
        for table in ([typed(fields, good)] if good else []) + ([strings(fields, bad)] if bad else []):
            shape = rng.choice([{}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"data_page_size": 512, "write_batch_size": 16}])
            file = io.BytesIO()
            pq.write_table(table, file, compression=rng.choice(["gzip", "gzip", "snappy", "zstd", "none"]), **shape)
            yield file.getvalue()

    return objects(directory, "parquet", "parquet", contents)


def typed(fields, rows):
    columns = {}
    for i, field in enumerate(fields):
        kind = pa.int32() if field in NUMBERS else pa.int64() if field in AMOUNTS else pa.string()
        values = [None if row[i] == "-" else row[i] for row in rows]
        columns[field.replace("-", "_")] = pa.array([v if v is None or kind == pa.string() else int(v) for v in values], kind)
    return pa.table(columns)


def strings(fields, rows):
    return pa.table({field.replace("-", "_"): pa.array([row[i] for row in rows], pa.string()) for i, field in enumerate(fields)})


# --- Firehose --------------------------------------------------------------------


def firehose(directory, url, key, authority):
    """Each request has some bodies. Lines of the default format come one a record, as VPC delivers them, or in
    envelopes, as a subscription does; others in envelopes. Each fourth request is sent again, as after a lost
    answer, and each eighth first with a key that is not valid any more."""
    rng, envelopes, notes, sent = random.Random("firehose"), Envelopes(), Notes(directory, "firehose"), collections.Counter()
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=ssl.create_default_context(cafile=authority))
    notes.add({"control": 1})
    records, lines = [envelopes.probe("Firehose")], 0

    def deliver():
        request, began = str(uuid.uuid4()), int(time.time() * 1000)
        data = [{"data": base64.b64encode(record).decode()} for record in records]
        document = json.dumps({"requestId": request, "timestamp": began, "records": data}).encode()
        if sent["requests"] % 8 == 3:
            sent["refused"] += 1
            post(connection, request, document, "no longer valid", False, 401)
        zipped = rng.random() < 0.5
        post(connection, request, document, key, zipped, 200)
        sent["requests"] += 1
        sent["records"] += len(records)
        if sent["requests"] % 4 == 0:
            sent["again"] += 1
            post(connection, request, document, key, zipped, 200)
        records.clear()

    for body in traffic(directory):
        if lines + len(body["lines"]) > REQUEST_LINES:
            deliver()
            lines = 0
        lines += len(body["lines"])
        if body["group"] == "/vpc/default" and rng.random() < 0.6:
            records += [json.dumps({"message": line}).encode() + b"\n" for line in body["lines"]]
            sent["direct"] += len(body["lines"])
        else:
            records.append(envelopes.of(body))
            sent["envelopes"] += 1
        notes.add(body)
    deliver()
    return {"lines": notes.lines, **sent}


def post(connection, request, body, key, zipped, wanted):
    header = {
        "Content-Type": "application/json", "X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Request-Id": request,
        "X-Amz-Firehose-Source-Arn": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/flow-logs", "X-Amz-Firehose-Access-Key": key,
        "X-Amz-Firehose-Common-Attributes": '{"commonAttributes":{"env":"test"}}', "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
    }
    if zipped:
        header["Content-Encoding"], body = "gzip", gzip.compress(body)
    connection.request("POST", "/flow-logs", body, header)
    answer = connection.getresponse()
    said, fields = answer.read(), answer.headers
    told = json.loads(said)
    assert answer.status == wanted, (answer.status, said)
    assert told["requestId"] == request and abs(told["timestamp"] / 1000 - time.time()) < 300, said
    assert ("errorMessage" in told) == (wanted != 200) and len(told.get("errorMessage", "")) <= 8192, said
    assert fields["Content-Type"] == "application/json" and int(fields["Content-Length"]) == len(said) and "Content-Encoding" not in fields, fields


if __name__ == "__main__":
    command, directory, *rest = sys.argv[1:]
    run = {"draw": draw, "kinesis": kinesis, "text": text, "parquet": parquet, "firehose": firehose}[command]
    print(json.dumps(run(pathlib.Path(directory), *rest)))
