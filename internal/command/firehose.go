package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// firehoseSettings are what flags and environment say of deliveries by Firehose.
type firehoseSettings struct {
	listen        list
	keysFile      string
	insecure      bool
	sources       list
	webConfigFile string
}

func (s *firehoseSettings) options() []option {
	return []option{
		value(&s.listen, "firehose.listen", "`address` to take deliveries of Firehose on, as :8443; repeatable"),
		text(&s.keysFile, "firehose.access-key-file", "", "`file` of access keys, one a line or as JSON of Secrets Manager; read again when it changes").alive(),
		toggle(&s.insecure, "firehose.insecure-no-key", "take deliveries of whoever reaches the address"),
		value(&s.sources, "firehose.source-arn", "`ARN` of a Firehose stream that may deliver; repeatable; else any with a key"),
		text(&s.webConfigFile, "firehose.web-config-file", "", "`file` that sets TLS of that address, as of the exporter toolkit"),
	}
}

// wanted reports whether there are deliveries to take.
func (s *firehoseSettings) wanted() bool { return len(s.listen) > 0 }

// settle checks the settings.
func (s *firehoseSettings) settle() error {
	switch {
	case !s.wanted() && (s.keysFile != "" || s.insecure || len(s.sources) > 0 || s.webConfigFile != ""):
		return usagef("settings of --firehose are given without --firehose.listen")
	case !s.wanted():
		return nil
	case s.keysFile == "" && !s.insecure:
		return wrongf("firehose.listen", " needs --firehose.access-key-file, for else whoever reaches it can count what he likes; --firehose.insecure-no-key says that this is meant")
	case s.keysFile != "" && s.insecure:
		return wrongf("firehose.access-key-file", " and --firehose.insecure-no-key are both given; keep one")
	}
	for _, arn := range s.sources {
		if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":firehose:") {
			return wrongf("firehose.source-arn", " %q is no ARN of a Firehose stream", arn)
		}
	}
	return nil
}

func (s *firehoseSettings) cloud(cloud.Options) (cloud.Options, bool) { return cloud.Options{}, false }

func (s *firehoseSettings) needs(string, *permit.Needs) {}

func (s *firehoseSettings) links(name string, _ *doctor.AWS) []doctor.Check {
	links := []doctor.Check{link("firehose", name, s.probe)}
	if s.keysFile != "" {
		links = append(links, link("access keys", name, func() (string, error) {
			_, err := source.LoadKeys(s.keysFile, slog.New(slog.DiscardHandler))
			return s.keysFile, err
		}))
	}
	return links
}

// probe opens the listeners for deliveries, and closes them at once.
func (s *firehoseSettings) probe() (string, error) {
	server := &web.Server{Addresses: s.listen, ConfigFile: s.webConfigFile, Names: firehoseNames}
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

// firehoseNames are the options of the server that takes deliveries.
var firehoseNames = web.Names{Listen: "firehose.listen", Config: "firehose.web-config-file"}

const (
	// firehoseHeader is for the header of a delivery: its common attributes alone
	// may take 64 KiB.
	firehoseHeader = 128 << 10
	// firehoseConnections is how many connections deliveries may have.
	firehoseConnections = 256
	// firehoseAnswer is how long a delivery may take with its answer: longer than
	// the source takes for both.
	firehoseAnswer = 10 * time.Minute
)

// receiver is a source of deliveries with the server that takes them.
type receiver struct {
	*source.Firehose
	server *web.Server
}

// open returns the source of deliveries, listening.
func (s *firehoseSettings) open(o opening) (*working, error) {
	log := o.engine.log.With("input", o.name)
	in := &source.Firehose{
		Name: o.name, Handler: o.engine, Places: o.engine.ledger.Of(o.name), Commits: o.engine.ledger, Sources: s.sources,
		Metrics: o.metrics, Logger: o.engine.log,
	}
	o.engine.ledger.Bound(in.Name, source.FirehoseRemembered)
	if s.keysFile != "" {
		var err error
		if in.Keys, err = source.LoadKeys(s.keysFile, log); err != nil {
			return nil, usagef("--firehose.access-key-file: %w", err)
		}
	} else {
		log.Warn("deliveries need no access key: whoever reaches the address can count what he likes")
	}
	server := &web.Server{
		Addresses: s.listen, ConfigFile: s.webConfigFile, Handler: in, Logger: log,
		Names: firehoseNames,
		Limits: web.Limits{
			ReadTimeout: source.FirehoseReadTimeout, WriteTimeout: firehoseAnswer,
			MaxHeaderBytes: firehoseHeader, MaxConnections: firehoseConnections,
		},
	}
	if err := listening(server); err != nil {
		return nil, err
	}
	return &working{
		input: &receiver{in, server}, close: server.Close,
		renew: func(other intake) (func(), error) { return renewKeys(in.Keys, other) },
	}, nil
}

// renewKeys reads the keys of the file that the settings name now. Whether keys are
// asked for at all is a matter of the start.
func renewKeys(keys *source.Keys, other intake) (use func(), err error) {
	now, ok := other.(*firehoseSettings)
	if !ok || keys == nil || now.keysFile == "" {
		return func() {}, nil
	}
	if use, err = keys.Read(now.keysFile); err != nil {
		return nil, wrongf("firehose.access-key-file", ": %v", err)
	}
	return use, nil
}

// Run takes deliveries until ctx ends, and answers those in hand.
func (r *receiver) Run(ctx context.Context) error {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- r.server.Serve(serving)
		stop()
	}()
	err := r.Firehose.Run(reading)
	end()
	return errors.Join(err, <-served)
}

// listening opens the listeners of a server; wrong settings are wrong usage.
func listening(server *web.Server) error {
	err := server.Listen()
	var wrong *web.ConfigError
	if errors.As(err, &wrong) {
		return usagef("%w", err)
	}
	return err
}
