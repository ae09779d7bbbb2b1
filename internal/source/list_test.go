package source

import (
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// shelves is a shop that lists what it has, two keys or folders a page.
type shelves struct {
	*shop
	mu     sync.Mutex
	listed []string // prefixes
}

func (s *shelves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("list-type") != "2" {
		s.shop.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Get("continuation-token") == "" {
		s.listed = append(s.listed, q.Get("prefix"))
	}
	var entries []string // as they come, behind the one that the token names
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if !ok {
			continue
		}
		entry := fmt.Sprintf("<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag></Contents>", html.EscapeString(key), len(s.objects[key]), etagOf(s.objects[key]))
		if folder, _, ok := strings.Cut(rest, "/"); ok && q.Get("delimiter") == "/" {
			entry = "<CommonPrefixes><Prefix>" + html.EscapeString(q.Get("prefix")+folder+"/") + "</Prefix></CommonPrefixes>"
		}
		if !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	from := 0
	_, _ = fmt.Sscan(q.Get("continuation-token"), &from)
	page, next := entries[from:min(from+2, len(entries))], ""
	if from+2 < len(entries) {
		next = fmt.Sprintf("<IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken>", from+2)
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult>%s%s</ListBucketResult>`, next, strings.Join(page, ""))
}

// visit reads an archive and returns the keys that were read, for each object holds
// its own key.
func visit(t *testing.T, s *shelves, a *Archive) (keys []string, err error) {
	t.Helper()
	var mu sync.Mutex
	config := newShopReader(s.shop).AWS
	config.HTTPClient, config.BaseEndpoint = memory{s}, aws.String("http://aws.test")
	a.Name, a.AWS = "s3", config
	a.Handler = handlerFunc(func(_ context.Context, b flow.Body) error {
		content, err := io.ReadAll(b.Stream)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, string(content))
		return nil
	})
	err = a.Run(t.Context())
	slices.Sort(keys)
	return keys, err
}

func newShelves(keys ...string) *shelves {
	s := &shelves{shop: newShop()}
	for _, key := range keys {
		s.put(key, key)
	}
	return s
}

func day(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

const (
	plainFolder = "p/AWSLogs/123456789012/vpcflowlogs/eu-west-1/"
	hiveFolder  = "p/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/"
)

// TestArchive: with a time, only the days that are needed are listed, in each of
// the layouts; without, all is listed at once. What is no flow log is left alone.
func TestArchive(t *testing.T) {
	wanted := []string{
		plainFolder + "2026/11/24/123456789012_vpcflowlogs_eu-west-1_fl-1_20261124T0100Z_ab12.log.gz",
		hiveFolder + "year=2026/month=11/day=24/hour=01/123456789012_vpcflowlogs_eu-west-1_fl-1_20261124T0105Z_ab12.log.gz",
		plainFolder + "2026/11/24/unnamed.log.gz",
		"p/copies/2020/01/01/of-any-time.log",
	}
	unwanted := []string{
		plainFolder + "2026/11/24/123456789012_vpcflowlogs_eu-west-1_fl-1_20261124T1200Z_ab12.log.gz",
		plainFolder + "2026/11/23/x.log.gz", plainFolder + "2026/10/24/x.log.gz", plainFolder + "2025/11/24/x.log.gz",
		hiveFolder + "year=2026/month=11/day=26/hour=01/x.log.gz", hiveFolder + "year=2026/month=11/day=24/hour=09/x.log.gz",
	}
	foreign := []string{"p/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/24/x.json.gz", plainFolder + "2026/11/24/", "elsewhere/x.log"}
	s := newShelves(slices.Concat(wanted, unwanted, foreign)...)
	var mu sync.Mutex
	var done, total int64
	got, err := visit(t, s, &Archive{
		Paths: []string{"s3://logs/p/"}, From: day("2026-11-24T01:01"), To: day("2026-11-24T02:00"), Parallel: 4,
		Progress: func(d, of int64) {
			mu.Lock()
			defer mu.Unlock()
			done, total = max(done, d), of
		},
	})
	slices.Sort(wanted)
	if err != nil || !slices.Equal(got, wanted) {
		t.Errorf("%v, got\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
	if done != total || done == 0 {
		t.Errorf("progress %d of %d", done, total)
	}
	for _, prefix := range s.listed {
		for _, other := range []string{"2025", "/10/", "/23/", "day=26", "CloudTrail/"} {
			if strings.Contains(prefix, other) {
				t.Errorf("%s was listed", prefix)
			}
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(wanted, unwanted)))
	s.listed = nil
	if got, err = visit(t, s, &Archive{Paths: []string{"s3://logs/p"}}); err != nil || !slices.Equal(got, all) || len(s.listed) != 1 {
		t.Errorf("without a time: %v, got %d of %d, %d listings", err, len(got), len(all), len(s.listed))
	}
}

// TestArchiveGoesOn: objects and paths that can't be read are named, the others are read.
func TestArchiveGoesOn(t *testing.T) {
	s := newShelves("a", "b", "c")
	s.before = func(w http.ResponseWriter, op string, _ []byte, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/b") {
			refuseObject(w, http.StatusForbidden, "AccessDenied")
			return true
		}
		return false
	}
	got, err := visit(t, s, &Archive{Paths: []string{"s3://logs/nothing", "s3://logs"}, Parallel: 2})
	if want := []string{"a", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, want := range []string{"s3://logs/b: AWS denied s3:GetObject on arn:aws:s3:::logs/b", "s3://logs/nothing: no object of flow logs is there"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err = visit(t, newShelves(plainFolder+"2026/11/24/x"), &Archive{Paths: []string{"s3://logs/"}, To: day("2026-01-01T00:00")}); err == nil ||
		!strings.Contains(err.Error(), "between any time and 2026-01-01T00:00:00Z") {
		t.Errorf("got %v", err)
	}
}

// TestListingsEnd: a listing that goes around in a circle is an error.
func TestListingsEnd(t *testing.T) {
	for name, page := range map[string]string{
		"token":  "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>",
		"folder": "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>",
	} {
		s := newShelves()
		s.before = func(w http.ResponseWriter, _ string, _ []byte, _ *http.Request) bool {
			fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult>%s</ListBucketResult>`, page)
			return true
		}
		a := &Archive{Paths: []string{"s3://logs/p/"}, From: day("2026-01-01T00:00")}
		config := newShopReader(s.shop).AWS
		a.Name, a.AWS = "s3", config
		if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), errListing.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPeriods(t *testing.T) {
	for key, want := range map[string]string{
		plainFolder + "2026/":                     "2026-01-01T00:00 2027-01-01T00:00 false",
		plainFolder + "2026/12/":                  "2026-12-01T00:00 2027-01-01T00:00 false",
		plainFolder + "2026/12/31/x_y":            "2026-12-31T00:00 2027-01-01T00:00 true",
		plainFolder + "2026/12/31/23/":            "2026-12-31T23:00 2027-01-01T00:00 true",
		hiveFolder + "year=2026/month=02/day=03/": "2026-02-03T00:00 2026-02-04T00:00 true",
		"any_20260203T0405Z_1a.log.gz":            "2026-02-03T04:05 2026-02-03T04:06 true",
		plainFolder:                               "",
		plainFolder + "20x/11/":                   "",
		"2026/11/24/x":                            "",
		"any_20261303T0405Z_1a.log.gz":            "",
		"AWSLogs/1/vpcflowlogs":                   "",
	} {
		p, got := periodOf(key), ""
		if !p.from.IsZero() {
			got = fmt.Sprintf("%s %s %v", p.from.Format("2006-01-02T15:04"), p.to.Format("2006-01-02T15:04"), p.day)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	for path, ok := range map[string]bool{"s3://logs": true, "s3://logs/a/b": true, "s3://": false, "s3:///a": false, "logs/a": false, "s3://arn:aws/x": false} {
		if err := CheckS3(path); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
}
