package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/flowlog-exporter/flowlog-exporter/internal/demo"
	"github.com/flowlog-exporter/flowlog-exporter/internal/denylog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
	"github.com/flowlog-exporter/flowlog-exporter/internal/flowlog"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
)

func demoOptions(s *settings) [][]option {
	return [][]option{s.demoOptions(), s.denyOptions(denylog.DefaultRate), s.webOptions(), s.logOptions(), s.legacyServing()}
}

func (s *settings) demoOptions() []option {
	return []option{
		number(&s.rate, "rate", 500, "flow records a second"),
		{name: "seed", usage: "`number` that decides the traffic", register: func(fs *flag.FlagSet, name, usage string) { fs.Uint64Var(&s.seed, name, 1, usage) }},
	}
}

// demoShards is how many shards the stream of the demo has.
const demoShards = 2

// demoStream is what the stream of the demo is called.
const demoStream = "demo"

func settleDemo(s *settings, rest []string) error {
	s.subnetsRefresh, s.commitInterval = time.Hour, 500*time.Millisecond
	s.kinesis = kinesisSettings{stream: demoStream, start: "trim_horizon", pollInterval: time.Second, maxBuffered: source.MinBuffered}
	s.inputs = s.flagged()[:1]
	if err := errors.Join(stray(rest), s.settle()); err != nil {
		return err
	}
	if s.rate < 1 || s.rate > demo.MaxRate {
		return wrongf("rate", " %d is not between 1 and %d", s.rate, demo.MaxRate)
	}
	return nil
}

// demonstrate runs the exporter on a synthetic VPC, whose flow logs come
// through a Kinesis endpoint in this process. All the rest is real.
func demonstrate(ctx context.Context, p *program, s *settings, _ []string) error {
	log, _, err := s.logger(p)
	if err != nil {
		return err
	}
	synthetic := demo.NewVPC(s.seed)
	stream := &demo.Kinesis{Stream: demoStream, Region: demo.Region, Account: demo.Account, Shards: demoShards}
	endpoint, err := serveLocally(stream)
	if err != nil {
		return err
	}
	defer endpoint.Close()
	outside := &outside{
		aws: map[string]aws.Config{"kinesis": {
			Region: demo.Region, BaseEndpoint: aws.String("http://" + endpoint.Addr),
			Credentials: credentials.NewStaticCredentialsProvider("demo", "demo", ""),
		}},
		loader:  subnetList(synthetic.Subnets()),
		formats: flowlog.Fixed(),
	}
	e, err := newEngine(p, s, log, outside.loader, outside.formats, s.sources()...)
	if err != nil {
		return err
	}
	inputs, err := s.openInputs(outside, e, source.NewMetrics(e.about))
	if err != nil {
		return err
	}
	traffic := inputFunc(func(ctx context.Context) error {
		s.hint(p.stderr)
		return synthetic.Run(ctx, s.rate, func(_ string, data []byte) { stream.Put(data) })
	})
	srv := &service{engine: e, settings: s, inputs: append(inputs, &working{input: traffic})}
	return srv.run(ctx)
}

// hint says where to look, once the exporter listens.
func (s *settings) hint(w io.Writer) {
	host, port, err := net.SplitHostPort(s.listen[0])
	if err != nil || port == "0" || s.systemdSocket || s.webConfigFile != "" || s.logFormat == "json" {
		return // the log has the address, and programs read it
	}
	if host == "" {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port) + s.telemetryPath
	fmt.Fprintf(w, `
A synthetic VPC of 6 subnets writes %d flow log records a second, with a port
scan, a spike of refused flows, an exfiltration and refused mail now and then.

  %s
  curl -s %s | grep '^flowlog_received_bytes'
  curl -s %s | grep '^flowlog_denied_flows'

  prometheus --config.file=monitoring/prometheus.yaml     scrapes port 8080: http://localhost:9090
    sum by (subnet) (rate(flowlog_received_bytes_total[1m]))
    sum by (subnet, direction) (rate(flowlog_denied_flows_total[1m]))

`, s.rate, url, url, url)
}

// serveLocally serves the handler on a free port of this machine alone.
func serveLocally(h http.Handler) (*http.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port for the Kinesis endpoint of the demo: %w", err)
	}
	server := &http.Server{Addr: listener.Addr().String(), Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

// inputFunc is a function as an input.
type inputFunc func(context.Context) error

// Run implements input.
func (f inputFunc) Run(ctx context.Context) error { return f(ctx) }

// subnetList is an address book that is known beforehand.
type subnetList []flow.Subnet

// Load implements vpc.Loader.
func (l subnetList) Load(context.Context) ([]flow.Subnet, []vpc.Interface, error) { return l, nil, nil }
