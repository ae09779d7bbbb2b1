package doctor

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

// network is what the two checks of it share.
type network struct {
	*AWS
	interfaces int
	said       sayings
}

// Network returns the checks of what EC2 tells of the region.
func (a *AWS) Network() []Check {
	n := &network{AWS: a}
	return []Check{a.check("subnets", identityCheck, n.subnets), a.check("interfaces", "subnets", n.listed)}
}

func (n *network) subnets(ctx context.Context) Finding {
	loader := &vpc.EC2{
		Client:  vpc.Calls(ec2.NewFromConfig(n.Config)),
		Explain: func(err error) error { return cloud.Explain(err, cloud.Subject{Region: n.Config.Region}) },
		Logger:  slog.New(&n.said),
	}
	subnets, interfaces, err := loader.Load(ctx)
	if err != nil {
		return Broken(err, "")
	}
	n.interfaces = len(interfaces)
	if len(subnets) == 0 {
		return Broken(errors.New("there are no subnets in this region"), "name the region of the VPC, or list its subnets in --subnets.file")
	}
	return Passed("%d", len(subnets))
}

func (n *network) listed(context.Context) Finding {
	if n.said.text != "" {
		return Skipped("%s", n.said.text)
	}
	return Passed("%d", n.interfaces)
}
