package vpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// ErrDenied says that AWS permits no list of subnets to this process. The
// exporter runs without one and counts every record as unmatched.
var ErrDenied = errors.New("permission is missing")

// refusal is an ErrDenied that says what AWS said, and the remedy.
type refusal struct{ err error }

func (r *refusal) Error() string {
	return fmt.Sprintf("cannot list subnets: %v; add ec2:DescribeSubnets or use --subnets.file", r.err)
}
func (r *refusal) Unwrap() error        { return r.err }
func (r *refusal) Is(target error) bool { return target == ErrDenied }

// Client is what the address book asks of EC2; *ec2.Client has it.
type Client interface {
	ec2.DescribeSubnetsAPIClient
	ec2.DescribeNetworkInterfacesAPIClient
	ec2.DescribeFlowLogsAPIClient
}

// EC2 loads the address book from EC2, subnets that other accounts share with
// this one included. It is safe for concurrent use.
type EC2 struct {
	Client Client
	// Explain says in plain words what AWS refused; nil leaves errors as they are.
	Explain func(error) error
	// Logger is told once that interfaces may not be listed; nil is slog.Default().
	Logger *slog.Logger

	denied sync.Once
}

const (
	// pageSize is the most that EC2 gives at once.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
	pageSize = 1000
	// maxPages ends a listing that does not end by itself, at a million entries.
	maxPages = 1000
)

// Load lists all subnets and interfaces of the account and region. It returns
// whole lists or an error: ErrDenied if subnets may not be listed, otherwise
// what EC2 or the network said. Interfaces that may not be listed are no error;
// the book does without them.
func (e *EC2) Load(ctx context.Context) ([]flow.Subnet, []Interface, error) {
	subnets, err := e.subnets(ctx)
	if denied(err) {
		return nil, nil, &refusal{e.explain(err)}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list subnets: %w", e.explain(err))
	}
	interfaces, err := e.interfaces(ctx)
	if denied(err) {
		e.denied.Do(func() {
			logger(e.Logger).Warn("cannot list network interfaces: the direction of flows comes from the records alone; "+
				"add ec2:DescribeNetworkInterfaces for flow logs without the field flow-direction", "err", e.explain(err))
		})
		return subnets, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list network interfaces: %w", e.explain(err))
	}
	return subnets, interfaces, nil
}

// LogFormats returns the formats of the flow logs that publish to the log
// group, as AWS writes them ("${version} ${account-id} …"), each once, in AWS's
// order. It is empty if there is no such flow log.
func (e *EC2) LogFormats(ctx context.Context, group string) ([]string, error) {
	in := &ec2.DescribeFlowLogsInput{
		Filter:     []types.Filter{{Name: aws.String("log-group-name"), Values: []string{group}}},
		MaxResults: aws.Int32(pageSize),
	}
	logs, err := pages(func(token *string) ([]types.FlowLog, *string, error) {
		in.NextToken = token
		out, err := e.Client.DescribeFlowLogs(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		return out.FlowLogs, out.NextToken, nil
	})
	if denied(err) {
		return nil, fmt.Errorf("cannot read the format of log group %q: %w; add ec2:DescribeFlowLogs or pass --format", group, e.explain(err))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the format of log group %q: %w", group, e.explain(err))
	}
	var formats []string
	for _, l := range logs {
		if f := aws.ToString(l.LogFormat); f != "" && !slices.Contains(formats, f) {
			formats = append(formats, f)
		}
	}
	return formats, nil
}

func (e *EC2) subnets(ctx context.Context) ([]flow.Subnet, error) {
	in := &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(pageSize)}
	list, err := pages(func(token *string) ([]types.Subnet, *string, error) {
		in.NextToken = token
		out, err := e.Client.DescribeSubnets(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Subnets, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	subnets := make([]flow.Subnet, 0, len(list))
	for i := range list {
		if s := subnetOf(&list[i]); len(s.Prefixes) > 0 {
			subnets = append(subnets, s)
		}
	}
	return subnets, nil
}

func (e *EC2) interfaces(ctx context.Context) ([]Interface, error) {
	in := &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(pageSize)}
	list, err := pages(func(token *string) ([]types.NetworkInterface, *string, error) {
		in.NextToken = token
		out, err := e.Client.DescribeNetworkInterfaces(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		return out.NetworkInterfaces, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	interfaces := make([]Interface, 0, len(list))
	for i := range list {
		interfaces = append(interfaces, interfaceOf(&list[i]))
	}
	return interfaces, nil
}

// pages collects the pages of a listing: all of them, or an error.
func pages[T any](page func(token *string) ([]T, *string, error)) ([]T, error) {
	var all []T
	var token *string
	for range maxPages {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if aws.ToString(next) == "" {
			return all, nil
		}
		if aws.ToString(token) == *next {
			return nil, fmt.Errorf("the list does not go on: page token %.40q came twice", *next)
		}
		token = next
	}
	return nil, fmt.Errorf("the list has more than %d pages of %d", maxPages, pageSize)
}

// denied reports that the caller lacks the permission. The codes are listed at
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func denied(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "UnauthorizedOperation" || strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}

func (e *EC2) explain(err error) error {
	if e.Explain == nil {
		return err
	}
	return e.Explain(err)
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.Default()
	}
	return l
}
