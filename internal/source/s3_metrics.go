package source

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
)

// objectMetrics are about objects and the messages that tell of them.
type objectMetrics struct {
	objects    *prometheus.CounterVec
	unreadable *prometheus.CounterVec
}

func newObjectMetrics(reg prometheus.Registerer) objectMetrics {
	m := objectMetrics{
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowlog_source_objects_total", Help: "Objects that messages told of, by what became of them.",
		}, []string{"source", "outcome"}),
		unreadable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowlog_source_unreadable_messages_total", Help: "Messages that told of no object, each as often as it was received.",
		}, []string{"source"}),
	}
	if reg != nil {
		reg.MustRegister(m.objects, m.unreadable)
	}
	return m
}

// s3Meter is what one source of objects has of the metrics.
type s3Meter struct {
	outcomes   map[outcome]prometheus.Counter
	unreadable prometheus.Counter
}

// s3Meter makes the series of a source with objects and requests, all at 0.
func (t *meter) s3Meter() s3Meter {
	m := s3Meter{outcomes: make(map[outcome]prometheus.Counter), unreadable: t.all.object.unreadable.WithLabelValues(t.source)}
	for _, o := range outcomes {
		m.outcomes[o] = t.all.object.objects.WithLabelValues(t.source, string(o))
	}
	for _, op := range []operation{getQueueAttributes, receiveMessage, deleteMessage, changeVisibility, getObject} {
		t.all.requests.WithLabelValues(t.source, string(op))
		for _, reason := range cloud.Reasons() {
			t.all.failures.WithLabelValues(t.source, string(op), reason)
		}
	}
	return m
}

// note counts an object.
func (m s3Meter) note(o outcome) { m.outcomes[o].Inc() }
