package source

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// periodMargin is how far the records of an object may lie from the time that its
// name and path tell: windows of capture are up to ten minutes long, and delivery
// is late at times.
const periodMargin = time.Hour

// period is the time that a path tells of what lies below it.
type period struct {
	from, to time.Time // zero when nothing is told
	day      bool      // it is a day or less
}

// meets reports whether records of the period may lie between two times; a zero
// time is no limit.
func (p period) meets(from, to time.Time) bool {
	if p.from.IsZero() {
		return true
	}
	return (from.IsZero() || p.to.Add(periodMargin).After(from)) && (to.IsZero() || p.from.Add(-periodMargin).Before(to))
}

// named is the time in the name of an object that VPC flow logs deliver.
var named = regexp.MustCompile(`_(\d{8}T\d{4})Z_`)

// periodOf returns the time that a key, or the beginning of one up to a slash,
// tells: by the name of the object, or else by the folders of years, months, days
// and hours behind the one of the service. Elsewhere a number is a number.
func periodOf(key string) period {
	if m := named.FindStringSubmatch(path.Base(key)); m != nil && !strings.HasSuffix(key, "/") {
		if at, err := time.Parse("20060102T1504", m[1]); err == nil {
			return period{at, at.Add(time.Minute), true}
		}
	}
	folders := strings.Split(key, "/")
	folders = folders[:len(folders)-1]
	service := slices.IndexFunc(folders, isFlowLogs)
	if service < 0 || len(folders) < service+3 {
		return period{}
	}
	return periodOfFolders(folders[service+2:]) // the region is between
}

func isFlowLogs(folder string) bool {
	return folder == "vpcflowlogs" || folder == "aws-service=vpcflowlogs"
}

// isService reports whether a folder is that of a service in what AWS delivers:
// AWSLogs/account/service/.
func isService(folder string) bool {
	parts := strings.Split(folder, "/")
	at := slices.Index(parts, "AWSLogs")
	return at >= 0 && len(parts) == at+4
}

// units are the folders below the region, from the largest to the smallest.
var units = []struct {
	hive     string
	min, max int
}{{"year=", 1970, 9998}, {"month=", 1, 12}, {"day=", 1, 31}, {"hour=", 0, 23}}

func periodOfFolders(folders []string) period {
	value := [4]int{1970, 1, 1, 0}
	n := 0
	for n < len(units) && n < len(folders) {
		u := units[n]
		v, err := strconv.Atoi(strings.TrimPrefix(folders[n], u.hive))
		if err != nil || v < u.min || v > u.max {
			break
		}
		value[n] = v
		n++
	}
	from := time.Date(value[0], time.Month(value[1]), value[2], value[3], 0, 0, 0, time.UTC)
	switch n {
	case 0:
		return period{}
	case 1:
		return period{from, from.AddDate(1, 0, 0), false}
	case 2:
		return period{from, from.AddDate(0, 1, 0), false}
	case 3:
		return period{from, from.AddDate(0, 0, 1), true}
	}
	return period{from, from.Add(time.Hour), true}
}
