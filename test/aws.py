"""Speaks AWS for the end-to-end test, as an independent party.

    aws.py world DIR                  VPCs, subnets, interfaces, log groups, flow logs, the stream -> DIR/world.json
    aws.py move DIR                   one subnet more, with interfaces, and one less -> DIR/world.json
    aws.py traffic DIR SEED BATCHES   puts flow logs into CloudWatch Logs and notes them in DIR/put.jsonl
    aws.py reshard DIR SEED           the same while shards are split and merged
    aws.py shards DIR                 what lies in each shard

The endpoint, region and credentials come from the environment. Every command
prints one line of JSON. Nothing is put twice: a failed request ends the command.
"""

import gzip
import ipaddress
import itertools
import json
import pathlib
import random
import sys
import threading
import time

import boto3
from botocore.config import Config

STREAM = "flow-logs"
SHARDS = 4
ROLE = "arn:aws:iam::123456789012:role/flow-logs"
DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
CUSTOM = (
    "version vpc-id subnet-id interface-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol"
    " bytes packets start end action tcp-flags flow-direction log-status"
)


def client(service):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


# --- world ---------------------------------------------------------------------


def build_world(directory):
    """Two VPCs with the same IPv4 ranges, subnets of both families, two interfaces in each subnet."""
    ec2, logs, kinesis = client("ec2"), client("logs"), client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    stream_arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    formats = {}
    for group, fields, third in (("/vpc/custom", CUSTOM, "10.0.2.0/24"), ("/vpc/default", DEFAULT, "10.0.3.0/24")):
        vpc, v6 = create_vpc(ec2)
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24"),
            ec2.create_subnet(VpcId=vpc, CidrBlock=third, Ipv6CidrBlock=next(v6)),
            ec2.create_subnet(VpcId=vpc, Ipv6CidrBlock=next(v6), Ipv6Native=True),
        ]
        for subnet in subnets:
            create_interfaces(ec2, subnet["Subnet"])
        logs.create_log_group(logGroupName=group)
        logs.put_subscription_filter(
            logGroupName=group, filterName="to-kinesis", filterPattern="", destinationArn=stream_arn, roleArn=ROLE
        )
        asked_format = {} if fields == DEFAULT else {"LogFormat": " ".join("${%s}" % f for f in fields.split())}
        ec2.create_flow_logs(
            ResourceType="VPC", ResourceIds=[vpc], TrafficType="ALL", MaxAggregationInterval=60,
            LogDestinationType="cloud-watch-logs", LogGroupName=group, DeliverLogsPermissionArn=ROLE, **asked_format,
        )
        formats[group] = {"fields": fields, "vpc": vpc}
    return note_world(directory, ec2, formats)


def move(directory):
    """A new subnet, and a subnet of the default VPC, which has no interfaces, deleted."""
    ec2 = client("ec2")
    world = json.loads((directory / "world.json").read_text())
    vpc = world["formats"]["/vpc/default"]["vpc"]
    create_interfaces(ec2, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.4.0/24")["Subnet"])
    used = {f["vpc"] for f in world["formats"].values()}
    ec2.delete_subnet(SubnetId=next(s["id"] for s in world["subnets"] if s["vpc"] not in used))
    return note_world(directory, ec2, world["formats"])


def note_world(directory, ec2, formats):
    world = {"formats": formats, "subnets": list_subnets(ec2), "interfaces": list_interfaces(ec2)}
    (directory / "world.json").write_text(json.dumps(world, indent=1))
    return {key: len(value) for key, value in world.items()}


def create_vpc(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    return vpc["VpcId"], map(str, ipaddress.ip_network(block).subnets(new_prefix=64))


def create_interfaces(ec2, subnet):
    v6 = [a["Ipv6CidrBlock"] for a in subnet["Ipv6CidrBlockAssociationSet"]]
    for number in (16, 17):
        addresses = [{"Ipv6Address": str(ipaddress.ip_network(cidr)[number])} for cidr in v6]
        ec2.create_network_interface(SubnetId=subnet["SubnetId"], **({"Ipv6Addresses": addresses} if v6 else {}))


def list_subnets(ec2):
    """All subnets there are, those of the default VPC too."""
    found = []
    for page in ec2.get_paginator("describe_subnets").paginate():
        for s in page["Subnets"]:
            prefixes = [s["CidrBlock"]] if "CidrBlock" in s else []
            prefixes += [a["Ipv6CidrBlock"] for a in s["Ipv6CidrBlockAssociationSet"]]
            found.append({"id": s["SubnetId"], "vpc": s["VpcId"], "prefixes": prefixes})
    return found


def list_interfaces(ec2):
    found = []
    for page in ec2.get_paginator("describe_network_interfaces").paginate():
        for i in page["NetworkInterfaces"]:
            addresses = [a["PrivateIpAddress"] for a in i["PrivateIpAddresses"]]
            addresses += [a["Ipv6Address"] for a in i["Ipv6Addresses"]]
            found.append(
                {"id": i["NetworkInterfaceId"], "subnet": i["SubnetId"], "vpc": i["VpcId"], "addresses": addresses}
            )
    return found


# --- traffic -------------------------------------------------------------------


class Author:
    """Writes flow log lines as the interfaces of the world would record them."""

    def __init__(self, world, seed):
        self.random = random.Random(seed)
        self.formats = world["formats"]
        self.group_of = {f["vpc"]: group for group, f in self.formats.items()}
        prefixes = {s["id"]: [ipaddress.ip_network(p) for p in s["prefixes"]] for s in world["subnets"]}
        self.interfaces = []
        for i in world["interfaces"]:
            if i["vpc"] not in self.group_of:
                continue
            own = [ipaddress.ip_address(a) for a in i["addresses"]]
            own = {a.version: str(a) for a in own if any(a in p for p in prefixes[i["subnet"]])}
            self.interfaces.append({**i, "own": own})
        self.strangers = itertools.count(seed << 16)
        self.now = time.time

    def bodies(self):
        """One event of life: a list of (log group, log stream, lines)."""
        kinds = [self.conversation, self.internet, self.empty, self.junk, self.stranger]
        return self.random.choices(kinds, weights=[45, 40, 5, 5, 5])[0]()

    def conversation(self):
        """Traffic between two logged interfaces: the sender records it leaving, the receiver entering."""
        sender = self.random.choice(self.interfaces)
        common = lambda other: sorted(sender["own"].keys() & other["own"].keys())
        peers = [p for p in self.interfaces if p["vpc"] == sender["vpc"] and p is not sender and common(p)]
        receiver = self.random.choice(peers)
        left, entered = [], []
        for _ in range(self.random.randint(1, 12)):
            family = self.random.choice(common(receiver))
            flow = self.flow(sender["own"][family], receiver["own"][family])
            refused = self.random.choices([None, sender, receiver], weights=[8, 1, 1])[0]
            action = lambda who: "REJECT" if refused is who else "ACCEPT"
            left.append(self.line(sender, "egress", flow, action(sender)))
            if refused is not sender:
                entered.append(self.line(receiver, "ingress", flow, action(receiver)))
        return [self.body(sender, left)] + ([self.body(receiver, entered)] if entered else [])

    def internet(self):
        interface, lines = self.random.choice(self.interfaces), []
        for _ in range(self.random.randint(1, 30)):
            family = self.random.choice(sorted(interface["own"]))
            own, far = interface["own"][family], self.far(family)
            action = self.random.choices(["ACCEPT", "REJECT"], weights=[4, 1])[0]
            if self.random.random() < 0.5:
                lines.append(self.line(interface, "egress", self.flow(own, far), action))
            else:
                lines.append(self.line(interface, "ingress", self.flow(far, own), action))
        return [self.body(interface, lines)]

    def empty(self):
        """A window without traffic, or one that AWS lost, among good lines."""
        (group, stream, lines), = self.internet()
        interface = next(i for i in self.interfaces if stream == i["id"] + "-all")
        for status in ("NODATA", "SKIPDATA"):
            lines.insert(self.random.randint(0, len(lines)), self.line(interface, "-", {}, "-", status))
        return [(group, stream, lines)]

    def junk(self):
        """Lines with an impossible number, and lines of no format, among good ones."""
        (group, stream, lines), = self.internet()
        for wrong in ("-5", "NaN", "1e9", "99999999999999999999999", "0x10", "+7"):
            words = self.random.choice(lines).split()
            words[self.formats[group]["fields"].split().index(self.random.choice(["packets", "bytes"]))] = wrong
            lines.append(" ".join(words))
        lines += ["this is no flow log record", " ".join(lines[0].split()[:9])]
        return [(group, stream, lines)]

    def stranger(self):
        """An interface that EC2 does not list (any more), in the default format."""
        interface = {"id": "eni-%017x" % next(self.strangers), "vpc": self.formats["/vpc/default"]["vpc"]}
        other = self.formats["/vpc/custom"]["vpc"]
        near = [i["own"][6] for i in self.interfaces if 6 in i["own"] and i["vpc"] == other]
        own, one, two = self.random.sample(near, 3)
        far, farther = self.far(6), self.far(6)
        pairs = self.random.choice([
            [(own, far), (far, own)],               # one local end
            [(own, one), (own, two), (one, own)],   # all records share the interface's own address
            [(own, one)],                           # nothing tells which end recorded it
            [(far, farther)],                       # no local end: of no known subnet
        ])
        return [self.body(interface, [self.line(interface, "", self.flow(*pair), "ACCEPT") for pair in pairs])]

    def flow(self, source, destination):
        packets = self.random.randint(1, 1000)
        protocol = self.random.choice([6, 6, 17, 1])
        port = lambda: 0 if protocol == 1 else self.random.randint(1, 65535)
        return {
            "srcaddr": source, "dstaddr": destination, "pkt-srcaddr": source, "pkt-dstaddr": destination,
            "srcport": port(), "dstport": port(), "protocol": protocol, "type": "IPv6" if ":" in source else "IPv4",
            "packets": packets, "bytes": packets * self.random.randint(40, 1500), "tcp-flags": 2 if protocol == 6 else 0,
        }

    def line(self, interface, direction, flow, action, status="OK"):
        end = int(self.now()) - 5
        words = {
            **flow, "version": 2, "account-id": "123456789012", "interface-id": interface["id"],
            "vpc-id": interface["vpc"], "subnet-id": interface.get("subnet", "-"), "flow-direction": direction,
            "start": end - 55, "end": end, "action": action, "log-status": status,
        }
        fields = self.formats[self.group_of[interface["vpc"]]]["fields"].split()
        if "flow-direction" in fields:
            words["version"] = 5
        return " ".join(str(words.get(f, "-")) for f in fields)

    def body(self, interface, lines):
        return self.group_of[interface["vpc"]], interface["id"] + "-all", lines

    def far(self, family):
        net = ipaddress.ip_network("203.0.113.0/24" if family == 4 else "2001:db8::/32")
        return str(net[self.random.randint(1, min(net.num_addresses, 1 << 62) - 2)])


class Carrier:
    """Puts what the author writes, and notes what was put."""

    def __init__(self, directory, seed):
        self.logs, self.kinesis = client("logs"), client("kinesis")
        self.author = Author(json.loads((directory / "world.json").read_text()), seed)
        self.seed, self.streams = seed, set()
        self.notes = open(directory / "put.jsonl", "a")
        self.count = {"bodies": 0, "lines": 0}

    def carry(self, events):
        for _ in range(events):
            for body in self.author.bodies():
                # Every eighth body takes the short way, in AWS's exact form: moto's event ids are numbers.
                (self.put_record if self.count["bodies"] % 8 == 7 else self.put_log_events)(*body)

    def put_log_events(self, group, stream, lines):
        if stream not in self.streams:
            self.streams.add(stream)
            try:
                self.logs.create_log_stream(logGroupName=group, logStreamName=stream)
            except self.logs.exceptions.ResourceAlreadyExistsException:
                pass
        now = int(time.time() * 1000)
        answer = self.logs.put_log_events(
            logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": m} for m in lines]
        )
        assert not answer.get("rejectedLogEventsInfo"), answer
        self.note({"group": group, "stream": stream, "lines": lines})

    def put_record(self, group, stream, lines):
        now, first = int(time.time() * 1000), self.count["lines"]
        events = [{"id": "%056d" % n, "timestamp": now, "message": m} for n, m in enumerate(lines, first)]
        self.envelope(stream, "DATA_MESSAGE", "123456789012", group, stream, events)
        self.note({"group": group, "stream": stream, "lines": lines})

    def put_oddities(self):
        """A probe of CloudWatch Logs, and a record of another producer."""
        message = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
        event = {"id": "", "timestamp": 0, "message": message}
        self.envelope("probe", "CONTROL_MESSAGE", "CloudwatchLogs", "", "", [event])
        self.note({"control": 1})
        self.kinesis.put_record(StreamName=STREAM, PartitionKey="stranger", Data=b"\x00\x01 nothing of ours")
        self.note({"undecodable": 1})

    def envelope(self, key, kind, owner, group, stream, events):
        document = {
            "messageType": kind, "owner": owner, "logGroup": group, "logStream": stream,
            "subscriptionFilters": ["to-kinesis"] if group else [], "logEvents": events,
        }
        self.kinesis.put_record(StreamName=STREAM, PartitionKey=key, Data=gzip.compress(json.dumps(document).encode()))

    def note(self, what):
        self.count["bodies"] += 1
        self.count["lines"] += len(what.get("lines", []))
        self.notes.write(json.dumps(what) + "\n")
        self.notes.flush()


def traffic(directory, seed, batches):
    carrier = Carrier(directory, int(seed))
    carrier.carry(int(batches))
    carrier.put_oddities()
    return carrier.count


def reshard(directory, seed):
    """Splits a shard, splits a child of it, merges two others: all of it while records arrive."""
    carrier, kinesis = Carrier(directory, int(seed)), client("kinesis")
    progress, stop, failure = threading.Semaphore(0), threading.Event(), []

    def flow():
        try:
            while not stop.wait(0.01):
                carrier.carry(1)
                progress.release()
        except BaseException as e:
            failure.append(e)
            progress.release(10_000)

    def await_bodies(count):
        for _ in range(count):
            progress.acquire()
        if failure:
            raise failure[0]

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        await_bodies(100)
        first, _ = split(kinesis, open_shards(kinesis)[0])
        split(kinesis, first)
        await_bodies(150)
        left, right = open_shards(kinesis)[-2:]
        kinesis.merge_shards(StreamName=STREAM, ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"])
        await_bodies(150)
    finally:
        stop.set()
        thread.join()
    return carrier.count


def open_shards(kinesis):
    """The shards that take records, in the order of their hash keys."""
    listed = kinesis.list_shards(StreamName=STREAM)["Shards"]
    taking = [s for s in listed if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
    return sorted(taking, key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))


def split(kinesis, shard):
    low, high = (int(shard["HashKeyRange"][end]) for end in ("StartingHashKey", "EndingHashKey"))
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2))
    return [s for s in open_shards(kinesis) if s.get("ParentShardId") == shard["ShardId"]]


def shards(directory):
    """How many records each shard holds, which are closed, and whose children they are."""
    kinesis, found = client("kinesis"), []
    for s in kinesis.list_shards(StreamName=STREAM)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=s["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
        parents = [s[p] for p in ("ParentShardId", "AdjacentParentShardId") if p in s]
        closed = "EndingSequenceNumber" in s["SequenceNumberRange"]
        found.append({"id": s["ShardId"], "parents": parents, "closed": closed, "records": len(records)})
    return found


if __name__ == "__main__":
    command, directory, *rest = sys.argv[1:]
    run = {"world": build_world, "move": move, "traffic": traffic, "reshard": reshard, "shards": shards}[command]
    print(json.dumps(run(pathlib.Path(directory), *rest)))
