package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/ledger"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// examine asks each link of the chain that run would read.
func examine(ctx context.Context, p *program, s *settings, _ []string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	checks, err := s.checkup(ctx)
	if err != nil {
		return err
	}
	if !doctor.Examine(ctx, p.stdout, checks) {
		return fmt.Errorf("%w: see ✗ above", errUnhealthy)
	}
	return nil
}

// checkup lists the checks in the order of the chain.
func (s *settings) checkup(ctx context.Context) ([]doctor.Check, error) {
	checks := []doctor.Check{{Name: "settings", Ask: func(context.Context) doctor.Finding {
		return doctor.Passed("reads %s", strings.Join(s.sources(), ", "))
	}}}
	if s.asksAWS() {
		outside, err := s.patient(ctx)
		if err != nil {
			return nil, err
		}
		checks = append(checks, outside.Checks()...)
	} else {
		checks = append(checks, doctor.Check{Name: "subnets", Ask: func(ctx context.Context) doctor.Finding {
			subnets, _, err := vpc.File{Path: s.subnetsFile}.Load(ctx)
			return finding(fmt.Sprintf("%d in %s", len(subnets), s.subnetsFile), err)
		}})
	}
	return append(checks, s.local()...), nil
}

// asksAWS reports whether a run asks AWS for anything.
func (s *settings) asksAWS() bool { return s.stream != "" || s.readsS3() || s.subnetsFile == "" }

// patient is what is examined in AWS.
func (s *settings) patient(ctx context.Context) (*doctor.AWS, error) {
	a := &doctor.AWS{
		Load: func() (aws.Config, error) {
			return cloud.Load(ctx, cloud.Options{
				Region: s.awsRegion(), Stream: s.stream, AssumeRole: s.assumeRole, EndpointURL: s.endpointURL, Logger: slog.New(slog.DiscardHandler),
			})
		},
		Stream: s.stream, WantShards: s.shards, Content: doctor.Content{Format: s.fixed, MaxInflated: int64(s.maxInflated)},
		Subnets: s.subnetsFile, Queue: s.s3.queueURL,
	}
	needs, err := s.needs("")
	if err != nil {
		return nil, err
	}
	for _, place := range needs.Objects {
		a.Prefixes = append(a.Prefixes, doctor.Prefix{Bucket: place.Bucket, Path: place.Prefix})
	}
	return a, nil
}

// local are the links on this machine.
func (s *settings) local() (checks []doctor.Check) {
	add := func(name string, ask func() (string, error)) {
		checks = append(checks, doctor.Check{Name: name, Ask: func(context.Context) doctor.Finding { return finding(ask()) }})
	}
	if s.firehose.wanted() {
		add("firehose", s.firehose.probe)
	}
	if s.firehose.keysFile != "" {
		add("access keys", func() (string, error) {
			_, err := source.LoadKeys(s.firehose.keysFile, slog.New(slog.DiscardHandler))
			return s.firehose.keysFile, err
		})
	}
	if len(s.files) > 0 {
		add("files", func() (string, error) {
			return strings.Join(s.files, ", "), (&source.Files{Paths: s.files}).Check()
		})
	}
	if s.statePath != "" {
		add("state", func() (string, error) { return ledger.Probe(s.statePath) })
	}
	return checks
}

func finding(text string, err error) doctor.Finding {
	if err != nil {
		return doctor.Broken(err, "")
	}
	return doctor.Passed("%s", text)
}

// probe opens the listeners for deliveries, and closes them at once.
func (s *firehoseSettings) probe() (string, error) {
	server := &web.Server{
		Addresses: s.listen, ConfigFile: s.webConfigFile,
		Names: web.Names{Listen: "firehose.listen", Config: "firehose.web-config-file"},
	}
	if err := server.Listen(); err != nil {
		return "", err
	}
	server.Close()
	tls := "plain HTTP: a load balancer in front has to hold the certificate that Firehose wants"
	if s.webConfigFile != "" {
		tls = "with " + s.webConfigFile
	}
	return fmt.Sprintf("%s can be had, %s", strings.Join(s.listen, ", "), tls), nil
}
