"""Puts flow logs into S3, as an independent party, for the test of replicas.

    objects.py world DIR             four buckets whose notifications take four roads to one queue -> DIR/queue.json
    objects.py put DIR SEED FROM TO  objects FROM to TO, each of a subnet of its own, noted in DIR/objects.jsonl
    objects.py depth DIR             how many messages the queue and its dead-letter queue hold

Some notifications are sent twice, in any order. The endpoint, region and
credentials come from the environment. Every command prints one line of JSON.
"""

import gzip
import json
import pathlib
import random
import sys
import time

import boto3
from botocore.config import Config

HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
ACCOUNT, REGION = "123456789012", "eu-west-1"
ROADS = ("direct", "sns", "sns-raw", "eventbridge")


def client(service):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def world(directory):
    sqs, s3, sns, events = client("sqs"), client("s3"), client("sns"), client("events")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": 50}
    queue = sqs.create_queue(QueueName="flow-logs", Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "30"})["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:flow-logs"
    for road in ROADS:
        s3.create_bucket(Bucket=f"logs-{road}", CreateBucketConfiguration={"LocationConstraint": REGION})
        configuration = {}
        if road == "direct":
            configuration["QueueConfigurations"] = [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]
        elif road == "eventbridge":
            configuration["EventBridgeConfiguration"] = {}
            events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"]}))
            events.put_targets(Rule="objects", Targets=[{"Id": "queue", "Arn": queue_arn}])
        else:
            topic = sns.create_topic(Name=road)["TopicArn"]
            raw = {"RawMessageDelivery": "true"} if road == "sns-raw" else {}
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
            configuration["TopicConfigurations"] = [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
        s3.put_bucket_notification_configuration(Bucket=f"logs-{road}", NotificationConfiguration=configuration)
    subnets = "".join(f"{subnet(i)} vpc_id=vpc-1 subnet_id=subnet-{i}\n" for i in range(1000))
    (directory / "subnets.txt").write_text(subnets)
    (directory / "queue.json").write_text(json.dumps({"queue": queue, "dead": dead}))
    return {"queue": queue}


def subnet(i):
    return f"10.{i >> 8}.{i & 255}.0/24"


def key(i, rng):
    """Objects as AWS names them: plain and Hive-compatible, by the day and by the hour, and of an export task."""
    name = f"{ACCOUNT}_vpcflowlogs_{REGION}_fl-1_20260301T{i % 24:02}05Z_{i:08x}.log.gz"
    hour = rng.choice(["", f"{i % 24:02}/"])
    hive = f"hour={i % 24:02}/" if hour else ""
    return rng.choice([
        f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/03/01/{hour}{name}",
        f"a team/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/03/01/{hour}{name}",
        f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/year=2026/month=03/day=01/{hive}{name}",
        f"exports/0c9e-{i}/eni-{i:017x}-all/000000.gz",
    ])


def lines(i, rng):
    end = int(time.time())
    for _ in range(rng.randint(1, 400)):
        source, local = f"203.0.113.{rng.randint(1, 254)}", f"10.{i >> 8}.{i & 255}.{rng.randint(4, 250)}"
        packets = rng.randint(1, 100)
        yield f"2 {ACCOUNT} eni-{i:017x} {source} {local} 443 {rng.randint(1024, 65535)} 6 {packets} {packets * 100} {end - 60} {end} ACCEPT OK"


def put(directory, seed, first, last):
    rng, s3, sqs = random.Random(int(seed)), client("s3"), client("sqs")
    queue = json.loads((directory / "queue.json").read_text())["queue"]
    again = []
    with open(directory / "objects.jsonl", "a") as notes:
        for i in range(int(first), int(last)):
            bucket, name, text = f"logs-{rng.choice(ROADS)}", key(i, rng), list(lines(i, rng))
            body = gzip.compress("\n".join([HEADER] + text + [""]).encode())
            tag = s3.put_object(Bucket=bucket, Key=name, Body=body)["ETag"].strip('"')
            flows = {"i": i, "subnet": subnet(i), "key": name, "flows": len(text), "bytes": sum(int(t.split()[9]) for t in text)}
            flows["again"] = rng.random() < 0.2
            if flows["again"]:
                again += [event(bucket, name, tag)] * rng.randint(1, 2)
            notes.write(json.dumps(flows) + "\n")
            while again and rng.random() < 0.3:
                sqs.send_message(QueueUrl=queue, MessageBody=again.pop(rng.randrange(len(again))))
    for message in again:
        sqs.send_message(QueueUrl=queue, MessageBody=message)
    sqs.send_message(QueueUrl=queue, MessageBody='{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"logs-direct"}')
    return {"objects": int(last) - int(first)}


def event(bucket, name, tag):
    from urllib.parse import quote_plus

    thing = {"bucket": {"name": bucket}, "object": {"key": quote_plus(name), "eTag": tag}}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventName": "ObjectCreated:Put", "s3": thing}
    return json.dumps({"Records": [record]})


def depth(directory):
    sqs, urls = client("sqs"), json.loads((directory / "queue.json").read_text())
    answer = {}
    for name, url in urls.items():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        answer[name] = sum(int(v) for v in attributes.values())
    return answer


if __name__ == "__main__":
    command, directory, *arguments = sys.argv[1:]
    print(json.dumps({"world": world, "put": put, "depth": depth}[command](pathlib.Path(directory), *arguments)))
