package command

import (
	"time"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// kinesisSettings are what settings say of a stream.
type kinesisSettings struct {
	stream       string
	start        string
	from         source.Start // what start says
	pollInterval time.Duration
	maxBuffered  size
	shards       int
}

func (k *kinesisSettings) options() []option {
	k.maxBuffered = 32 << 20
	return []option{
		text(&k.stream, "kinesis.stream", "", "Kinesis stream to read, by `name or ARN`"),
		text(&k.start, "kinesis.start", "latest", "where to start: latest, trim_horizon or an `RFC 3339 time`").oneOf("latest", "trim_horizon"),
		duration(&k.pollInterval, "kinesis.poll-interval", time.Second, "pause between reads of a shard that is caught up"),
		value(&k.maxBuffered, "kinesis.max-buffered", "`size` of memory for answers in hand, of all shards together; a full one takes 16MiB"),
		number(&k.shards, "shards", 0, "shards are discovered; warns when the stream has not `N` of them").at("kinesis.shards"),
	}
}

func (k *kinesisSettings) wanted() bool { return k.stream != "" }

func (k *kinesisSettings) settle() error {
	if k.shards < 0 {
		return wrongf("shards", " %d is no number of shards", k.shards)
	}
	if k.maxBuffered < source.MinBuffered {
		least := size(source.MinBuffered)
		return wrongf("kinesis.max-buffered", " %v is below the %v that one answer may take", &k.maxBuffered, &least)
	}
	if err := interval("kinesis.poll-interval", k.pollInterval); err != nil {
		return err
	}
	var err error
	if k.from, err = source.ParseStart(k.start); err != nil {
		return wrongf("kinesis.start", ": %v", err)
	}
	return nil
}

func (k *kinesisSettings) cloud(general cloud.Options) (cloud.Options, bool) {
	general.Stream = k.stream
	return general, true
}

func (k *kinesisSettings) needs(region string, all *permit.Needs) {
	all.Streams = append(all.Streams, permit.Stream{Region: region, Name: k.stream})
}

func (k *kinesisSettings) links(name string, region *doctor.AWS) []doctor.Check {
	return region.Stream(doctor.Stream{Input: name, Name: k.stream, WantShards: k.shards})
}

func (k *kinesisSettings) open(o opening) (*working, error) {
	in := &source.Kinesis{
		Name: o.name, Stream: k.stream, AWS: o.aws, Handler: o.engine, Places: o.engine.ledger.Of(o.name),
		Start: k.from, WantShards: k.shards, PollInterval: k.pollInterval, MaxBuffered: int(k.maxBuffered), Metrics: o.metrics, Logger: o.engine.log,
	}
	return &working{input: in, ready: in.Ready}, nil
}
