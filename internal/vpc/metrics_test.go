package vpc

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

const zeroBorn = `
# HELP flowlog_subnet_refresh_failures_total Attempts to refresh the subnet list that failed.
# TYPE flowlog_subnet_refresh_failures_total counter
flowlog_subnet_refresh_failures_total 0
# HELP flowlog_subnet_refresh_last_success_timestamp_seconds Time of the last successful refresh of the subnet list.
# TYPE flowlog_subnet_refresh_last_success_timestamp_seconds gauge
flowlog_subnet_refresh_last_success_timestamp_seconds 0
# HELP flowlog_subnet_refreshes_total Attempts to refresh the subnet list.
# TYPE flowlog_subnet_refreshes_total counter
flowlog_subnet_refreshes_total 0
`

const afterRefresh = `
# HELP flowlog_subnet_info Subnet identity; the value is always 1.
# TYPE flowlog_subnet_info gauge
flowlog_subnet_info{account_id="",az_id="",name="",subnet="192.168.0.0/16",subnet_id="",vpc_id=""} 1
flowlog_subnet_info{account_id="111",az_id="use1-az1",name="web",subnet="10.0.0.0/24",subnet_id="subnet-1",vpc_id="vpc-1"} 1
flowlog_subnet_info{account_id="111",az_id="use1-az1",name="",subnet="2001:db8:0:6::/64",subnet_id="subnet-6",vpc_id="vpc-1"} 1
# HELP flowlog_subnet_refresh_failures_total Attempts to refresh the subnet list that failed.
# TYPE flowlog_subnet_refresh_failures_total counter
flowlog_subnet_refresh_failures_total 1
# HELP flowlog_subnet_refresh_last_success_timestamp_seconds Time of the last successful refresh of the subnet list.
# TYPE flowlog_subnet_refresh_last_success_timestamp_seconds gauge
flowlog_subnet_refresh_last_success_timestamp_seconds 1.7e+09
# HELP flowlog_subnet_refreshes_total Attempts to refresh the subnet list.
# TYPE flowlog_subnet_refreshes_total counter
flowlog_subnet_refreshes_total 3
# HELP flowlog_subnets Subnets known.
# TYPE flowlog_subnets gauge
flowlog_subnets{vpc_id=""} 1
flowlog_subnets{vpc_id="vpc-1"} 2
`

func TestMetrics(t *testing.T) {
	b := new(Book)
	if err := testutil.CollectAndCompare(b, strings.NewReader(zeroBorn)); err != nil {
		t.Error(err)
	}
	web, six := subnet("10.0.0.0/24", "subnet-1", "vpc-1"), subnet("2001:db8:0:6::/64", "subnet-6", "vpc-1")
	web.Name = "web"
	b.publish(NewTable([]flow.Subnet{zoned(web, "use1-az1", "111"), zoned(six, "use1-az1", "111"), subnet("192.168.0.0/16", "", "")}, nil))
	b.refreshes.Store(3)
	b.failures.Store(1)
	b.lastSuccess.Store(1_700_000_000_000)
	if err := testutil.CollectAndCompare(b, strings.NewReader(afterRefresh)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(b); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestMetricsFollowTheList(t *testing.T) {
	l := new(loader)
	l.answer(nil, "10.0.0.0/24", "10.0.1.0/24")
	b := &Book{Loader: l, Logger: slog.New(slog.DiscardHandler)}
	inBubble(t, b, func() {
		start := time.Now()
		for _, step := range []struct {
			err    error
			cidrs  []string
			series int
		}{
			{nil, []string{"10.0.1.0/24"}, 1},
			{errors.New("throttled"), nil, 1},
			{nil, []string{"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"}, 3},
			{nil, nil, 0},
		} {
			l.answer(step.err, step.cidrs...)
			pass(6 * time.Minute)
			if got := testutil.CollectAndCount(b, "flowlog_subnet_info"); got != step.series {
				t.Errorf("%d subnets have series, want %d", got, step.series)
			}
		}
		if age := time.Since(time.UnixMilli(b.lastSuccess.Load())); age > 6*time.Minute || time.Since(start) < 20*time.Minute {
			t.Errorf("the last success is %v ago", age)
		}
	})
}

func TestLabelValue(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"web front":                        "web front",
		"Büro 東京":                          "Büro 東京",
		"a\nb\x00c\u0085d":                 "a b c d",
		"a\xffb":                           "a\ufffdb",
		strings.Repeat("é", maxName+1):     strings.Repeat("é", maxName),
		strings.Repeat("x", maxName+1):     strings.Repeat("x", maxName),
		strings.Repeat("x", maxName) + "é": strings.Repeat("x", maxName),
	} {
		if got := labelValue(text); got != want || !utf8.ValidString(got) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// Whatever stands in a name tag, the metrics can be gathered.
func TestMetricsOfHostileNames(t *testing.T) {
	s := subnet("10.0.0.0/24", "subnet-1", "vpc-1")
	s.Name = "\xff\x00\"\n" + strings.Repeat("\xf0", 300)
	b := new(Book)
	b.publish(NewTable([]flow.Subnet{s}, nil))
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(b)
	if _, err := r.Gather(); err != nil {
		t.Error(err)
	}
}
