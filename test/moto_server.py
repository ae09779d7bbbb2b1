"""moto's server, started on a free port and told to reshard as AWS does.

Prints "listening 127.0.0.1:PORT" and serves until it is killed. What moto does
otherwise than the AWS documentation says, and the end-to-end test depends on, is
mended here:

1. Resharding. AWS leaves the records of a split or merged shard in it, closes it
   and sends new records to its children; the last page of a closed shard carries
   no next iterator. moto sends new records to the closed parent, copies old ones
   into the child of a merge and never ends an iterator.
   https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
2. The state of a subnet's IPv6 range is the word "associated", and the number of
   free addresses is a 32 bit integer. moto prints a Python dictionary and, for a
   subnet of IPv6 alone, nearly 2^64: AWS's SDKs refuse that answer as a whole.
   https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html
3. Requests are handled one at a time. moto's streams are not safe for concurrent
   writers: two records may get one sequence number, and one of them is lost.
   Who waits for a message of a queue lets others pass meanwhile.

With FLOWLOG_RECEIVES, each message that a queue gives out is noted in that file.
"""

import json
import os
import sys
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager

from moto.ec2.models.subnets import Subnet
from moto.kinesis.models import KinesisBackend, Stream
from moto.kinesis.utils import decompose_shard_iterator
from moto.sqs.models import SQSBackend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.utilities.utils import md5_hash
from werkzeug.serving import make_server


def mend_resharding():
    split, merge, read = Stream.split_shard, Stream.merge_shards, KinesisBackend.get_records

    @contextmanager
    def records_stay_in(stream, *names):
        """Hides the records of the shards, so that moto finds none to move."""
        kept = {name: stream.shards[name].records for name in names}
        for name in names:
            stream.shards[name].records = OrderedDict()
        try:
            yield
        finally:
            for name in names:
                stream.shards[name].records = kept[name]

    def split_shard(self, shard, new_starting_hash_key):
        with records_stay_in(self, shard):
            split(self, shard, new_starting_hash_key)

    def merge_shards(self, shard, adjacent):
        with records_stay_in(self, shard, adjacent):
            merge(self, shard, adjacent)

    def get_shard_for_key(self, partition_key, explicit_hash_key):
        key = int(explicit_hash_key or md5_hash(partition_key.encode()).hexdigest(), 10 if explicit_hash_key else 16)
        return next(s for s in self.shards.values() if s.is_open and s.starting_hash <= key <= s.ending_hash)

    def get_records(self, stream_arn, shard_iterator, limit):
        following, records, lag = read(self, stream_arn, shard_iterator, limit)
        stream_name, shard_id, position = decompose_shard_iterator(following)
        shard = self.describe_stream(stream_arn, stream_name).get_shard(shard_id)
        read_to_its_end = not shard.is_open and int(position) >= shard.get_max_sequence_number()
        return None if read_to_its_end else following, records, lag

    Stream.split_shard = split_shard
    Stream.merge_shards = merge_shards
    Stream.get_shard_for_key = get_shard_for_key
    KinesisBackend.get_records = get_records


def mend_ipv6_subnets():
    printed, counted = Subnet.ipv6_cidr_block_association_set.fget, Subnet.available_ip_address_count.fget

    def association_set(self):
        answer = printed(self)
        for association in answer:
            state = association["ipv6CidrBlockState"]["state"]
            association["ipv6CidrBlockState"]["state"] = state["State"]
        return answer

    Subnet.ipv6_cidr_block_association_set = property(association_set)
    Subnet.available_ip_address_count = property(lambda self: min(counted(self), 2**31 - 1))


# turn belongs to the request that is being handled.
turn = threading.Lock()


def mend_long_polls():
    receive, notes = SQSBackend.receive_message, os.environ.get("FLOWLOG_RECEIVES")

    def receive_message(self, queue_name, count, wait_seconds_timeout, *others, **more):
        end = time.monotonic() + wait_seconds_timeout
        while True:
            found = receive(self, queue_name, count, 0, *others, **more)
            if found or time.monotonic() >= end:
                break
            turn.release()
            time.sleep(0.05)
            turn.acquire()
        if notes:
            with open(notes, "a") as file:
                for message in found:
                    print(json.dumps({"id": message.id, "receives": message.approximate_receive_count, "body": message.body}), file=file)
        return found

    SQSBackend.receive_message = receive_message


class OneAtATime:
    """Handles each request to its end before the next one begins."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        with turn:
            return list(self.app(environ, start_response))


def main():
    mend_resharding()
    mend_ipv6_subnets()
    mend_long_polls()
    app = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    print(f"listening 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
