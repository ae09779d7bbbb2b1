package command

import (
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// customer is who asks something of AWS, with which configuration: an input, a replay
// as archived, or neither where EC2 alone is asked for subnets.
type customer struct {
	name    string
	feed    *feed // nil is no input
	options cloud.Options
}

// refused says what a configuration is for that there is not.
func (c customer) refused(err error) error {
	if c.name == "" {
		return fmt.Errorf("the subnets are asked of EC2 without --subnets.file, but %w", err)
	}
	return err
}

// customers are all of them, the inputs in their order.
func (s *settings) customers(log *slog.Logger) (all []customer) {
	general := cloud.Options{Region: s.region, AssumeRole: s.assumeRole, EndpointURL: s.endpointURL, Logger: log}
	for i := range s.inputs {
		r := &s.inputs[i]
		o, needed := r.cloud(general)
		if !needed {
			continue
		}
		if r.at.file != "" && arn.IsARN(o.Stream) {
			o.Region = "" // what is said for all inputs yields to what one says itself
		}
		all = append(all, customer{r.name, r, o})
	}
	if len(s.replay.objects) > 0 {
		all = append(all, customer{archived, nil, general})
	}
	if len(all) == 0 && s.subnetsFile == "" {
		all = append(all, customer{"", nil, general})
	}
	return all
}
