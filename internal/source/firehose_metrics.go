package source

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// deliveryMetrics are about what was delivered to the exporter.
type deliveryMetrics struct {
	answers *prometheus.CounterVec
	again   *prometheus.CounterVec
}

func newDeliveryMetrics(reg prometheus.Registerer) deliveryMetrics {
	m := deliveryMetrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowlog_source_deliveries_total", Help: "Deliveries to the exporter, by the status of the answer.",
		}, []string{"source", "code"}),
		again: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flowlog_source_redeliveries_total", Help: "Deliveries that were counted before and not counted again.",
		}, []string{"source"}),
	}
	if reg != nil {
		reg.MustRegister(m.answers, m.again)
	}
	return m
}

// firehoseMeter is what one source of deliveries has of the metrics.
type firehoseMeter struct {
	*meter
	again prometheus.Counter
}

// firehoseMeter makes the series of such a source, all at 0; m may be nil.
func (m *Metrics) firehoseMeter(source string) *firehoseMeter {
	t := &firehoseMeter{meter: m.meter(source)}
	t.again = t.all.delivery.again.WithLabelValues(source)
	for _, status := range []int{
		http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable,
	} {
		t.all.delivery.answers.WithLabelValues(source, strconv.Itoa(status))
	}
	return t
}

// answered counts an answer.
func (t *firehoseMeter) answered(status int) {
	t.all.delivery.answers.WithLabelValues(t.source, strconv.Itoa(status)).Inc()
}
