"""Deploys the CloudFormation template, as an independent party, and puts flow logs where it says.

    stack.py deploy DIR DELIVERY   a VPC with a subnet, the stack on it, what moto leaves out of it -> DIR/stack.json
    stack.py put DIR               flow logs of the subnet, in the format of the flow log, on the road of the stack
    stack.py caller DIR            a user with the policy in DIR/caller.json -> its access key
    stack.py network DIR           a VPC with a subnet alone -> DIR/stack.json
    stack.py hand DIR              flow logs in the log group and bucket that docs/aws.md makes by hand
    stack.py enforce DIR           from now on moto checks every call against the policies of its caller

The endpoint, region and credentials come from the environment. Every command prints one line of JSON.
"""

import gzip
import json
import os
import pathlib
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/operator"
RECORDS, BYTES = 5, 1000
TEMPLATE = pathlib.Path(__file__).parent.parent / "deploy/aws/cloudformation.yaml"


def client(service):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def make_network(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    return {"vpc": vpc, "subnet": subnet, "interface": interface["NetworkInterfaceId"], "address": interface["PrivateIpAddress"]}


def deploy(directory, delivery):
    cloudformation, network = client("cloudformation"), make_network(client("ec2"))
    given = {"VpcId": network["vpc"], "Delivery": delivery, "TrustedPrincipalArn": USER}
    cloudformation.create_stack(
        StackName="flow", TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
    )
    stack = cloudformation.describe_stacks(StackName="flow")["Stacks"][0]
    made = [r["ResourceType"] for r in cloudformation.list_stack_resources(StackName="flow")["StackResourceSummaries"] if r.get("LogicalResourceId")]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    mend(outputs, delivery)
    logs = client("ec2").describe_flow_logs()["FlowLogs"]
    world = {**network, "delivery": delivery, "status": stack["StackStatus"], "made": sorted(made), "outputs": outputs,
             "format": logs[0]["LogFormat"], "policy": policy(outputs["ExporterPolicyArn"])}
    (directory / "stack.json").write_text(json.dumps(world))
    return world


def mend(outputs, delivery):
    """What moto's CloudFormation passes over and the road needs."""
    if delivery == "Kinesis":
        client("logs").put_subscription_filter(
            logGroupName=outputs["LogGroupName"], filterName="flow", filterPattern="",
            destinationArn=outputs["StreamArn"], roleArn=f"arn:aws:iam::{ACCOUNT}:role/subscription",
        )
        return
    told = {"QueueArn": outputs["QueueArn"], "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/"}]}}}
    client("s3").put_bucket_notification_configuration(
        Bucket=outputs["BucketName"], NotificationConfiguration={"QueueConfigurations": [told]}
    )


def policy(arn):
    iam = client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def lines(world):
    end = int(time.time()) - 5
    words = {
        "version": 5, "account-id": ACCOUNT, "interface-id": world["interface"], "srcaddr": "203.0.113.9", "dstaddr": world["address"],
        "pkt-srcaddr": "203.0.113.9", "pkt-dstaddr": world["address"], "srcport": 50000, "dstport": 443, "protocol": 6, "packets": 10,
        "bytes": BYTES, "start": end - 55, "end": end, "action": "ACCEPT", "log-status": "OK", "vpc-id": world["vpc"],
        "subnet-id": world["subnet"], "az-id": "euw1-az1", "tcp-flags": 2, "flow-direction": "ingress", "traffic-path": "-",
    }
    fields = world["format"].replace("$", "").replace("{", "").replace("}", "").split()
    return [" ".join(fields)] + [" ".join(str(words[f]) for f in fields)] * RECORDS


def put(directory):
    world = json.loads((directory / "stack.json").read_text())
    header, *records = lines(world)
    if world["delivery"] == "Kinesis":
        logs, stream = client("logs"), world["interface"] + "-all"
        logs.create_log_stream(logGroupName=world["outputs"]["LogGroupName"], logStreamName=stream)
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=world["outputs"]["LogGroupName"], logStreamName=stream, logEvents=[{"timestamp": now, "message": r} for r in records]
        )
    else:
        key = f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/03/01/{ACCOUNT}_vpcflowlogs_eu-west-1_fl-1_20260301T0005Z_1.log.gz"
        body = gzip.compress("\n".join([header, *records, ""]).encode())
        client("s3").put_object(Bucket=world["outputs"]["BucketName"], Key=key, Body=body)
        # What nobody can read is put off, and not deleted.
        client("sqs").send_message(QueueUrl=world["outputs"]["QueueUrl"], MessageBody="no notification")
    return {"records": len(records), "bytes": BYTES * len(records)}


def caller(directory):
    iam = client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="assume", PolicyDocument=(directory / "caller.json").read_text())
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def network(directory):
    world = make_network(client("ec2"))
    (directory / "stack.json").write_text(json.dumps(world))
    return world


def hand(directory):
    """The flow logs know their formats and destinations; one of each is taken by its name."""
    world, count = json.loads((directory / "stack.json").read_text()), 0
    for log in client("ec2").describe_flow_logs()["FlowLogs"]:
        if log.get("LogGroupName") == "vpc-flow-logs":
            outputs, delivery = {"LogGroupName": "vpc-flow-logs"}, "Kinesis"
        elif log.get("LogDestination", "").startswith("arn:aws:s3:::vpc-flow-logs-"):
            outputs, delivery = {"BucketName": log["LogDestination"].rpartition(":")[2]}, "S3"
            outputs["QueueUrl"] = client("sqs").get_queue_url(QueueName="vpc-flow-logs")["QueueUrl"]
        else:
            continue
        count += 1
        (directory / "stack.json").write_text(json.dumps({**world, "delivery": delivery, "outputs": outputs, "format": log["LogFormat"]}))
        put(directory)
    return {"flow_logs": count}


def enforce(_):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    command, directory, *arguments = sys.argv[1:]
    run = {"deploy": deploy, "put": put, "caller": caller, "network": network, "hand": hand, "enforce": enforce}[command]
    print(json.dumps(run(pathlib.Path(directory), *arguments)))
