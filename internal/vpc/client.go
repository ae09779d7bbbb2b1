package vpc

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Calls returns the few calls that the address book makes of the client. A
// client that stands behind an interface itself keeps its 700 methods and their
// types in the binary, which is three times as large then.
func Calls(c *ec2.Client) Client {
	return calls{c.DescribeSubnets, c.DescribeNetworkInterfaces, c.DescribeFlowLogs}
}

type calls struct {
	subnets    func(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	interfaces func(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
	flowLogs   func(context.Context, *ec2.DescribeFlowLogsInput, ...func(*ec2.Options)) (*ec2.DescribeFlowLogsOutput, error)
}

// DescribeSubnets implements Client.
func (c calls) DescribeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput, opts ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	return c.subnets(ctx, in, opts...)
}

// DescribeNetworkInterfaces implements Client.
func (c calls) DescribeNetworkInterfaces(ctx context.Context, in *ec2.DescribeNetworkInterfacesInput, opts ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	return c.interfaces(ctx, in, opts...)
}

// DescribeFlowLogs implements Client.
func (c calls) DescribeFlowLogs(ctx context.Context, in *ec2.DescribeFlowLogsInput, opts ...func(*ec2.Options)) (*ec2.DescribeFlowLogsOutput, error) {
	return c.flowLogs(ctx, in, opts...)
}
