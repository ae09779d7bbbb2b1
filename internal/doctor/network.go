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

func (a *AWS) networkChecks() []Check {
	n := &network{AWS: a}
	if a.Subnets != "" {
		return []Check{{"subnets", nil, n.file}}
	}
	return []Check{
		{"subnets", []string{identityCheck}, n.subnets},
		{"interfaces", []string{"subnets"}, n.listed},
	}
}

func (n *network) file(ctx context.Context) Finding {
	subnets, _, err := vpc.File{Path: n.Subnets}.Load(ctx)
	if err != nil {
		return Broken(err, "")
	}
	return Passed("%d in %s", len(subnets), n.Subnets)
}

func (n *network) subnets(ctx context.Context) Finding {
	loader := &vpc.EC2{
		Client:  vpc.Calls(ec2.NewFromConfig(n.config)),
		Explain: func(err error) error { return cloud.Explain(err, cloud.Subject{Region: n.config.Region}) },
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
