package flowlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// MaxLogGroups is how many log groups a Lookup remembers.
const MaxLogGroups = 1000

// MaxGroupName is how long the name of a log group may be, in bytes:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
const MaxGroupName = 512

// askTimeout is how long one question may take.
const askTimeout = 10 * time.Second

// Lookup asks for the formats of log groups and remembers the answers. Set its
// fields before its first use; it is safe for concurrent use then.
//
// Who wants a log group that is not known waits for the answer, 10 seconds at
// most; all who want it at the same time wait for the same question. When
// Refresh has passed the next to come asks again, while others get the old
// answer. Where the answer is empty or an error, what was known before stays,
// or Default when nothing was, and the question is not put again before Refresh
// has passed.
//
// At most MaxLogGroups are remembered. A further one takes the place of the one
// that was asked for longest ago, if its answer is older than Refresh; else it
// is read as Default and nothing is asked, and so is what AWS would not take for
// the name of a log group.
type Lookup struct {
	// Ask returns the formats of the flow logs that write to a log group, as
	// ParseFormat reads them. It must end when ctx does.
	Ask func(ctx context.Context, logGroup string) ([]string, error)
	// Refresh is how long an answer holds; 0 is 5 minutes.
	Refresh time.Duration
	// Default is for lines outside of log groups and where no answer is to be
	// had; nil is the format Default.
	Default *Set
	// Logger hears what became known and what did not; nil is silence.
	Logger *slog.Logger

	mu     sync.Mutex
	groups map[string]*logGroup
	full   bool // a log group found no place, and that was said
}

// logGroup is what is known of a log group. Lookup.mu guards it.
type logGroup struct {
	set *Set // nil until the first answer
	// due is when the answer is too old.
	due time.Time
	// asking is closed when the question that is under way has an answer;
	// nil when none is.
	asking chan struct{}
	// failed says that the last question had no answer, and that was said.
	failed bool
}

// byDefault is what a Lookup without Default falls back to.
var byDefault = Fixed()

// For returns the formats of a log group. It allocates nothing when the log
// group is known.
func (l *Lookup) For(name []byte) *Set {
	if len(name) == 0 {
		return l.fallback()
	}
	l.mu.Lock()
	g := l.groups[string(name)]
	now := time.Now()
	switch {
	case g == nil:
		if groupName(name) {
			g = l.place(string(name), now)
		}
		if g == nil {
			l.mu.Unlock()
			return l.fallback()
		}
	case g.asking != nil && g.set == nil:
		answered := g.asking
		l.mu.Unlock()
		<-answered
		l.mu.Lock()
		defer l.mu.Unlock()
		return g.set
	case g.asking != nil || now.Before(g.due):
		defer l.mu.Unlock()
		return g.set
	}
	g.asking = make(chan struct{})
	l.mu.Unlock()
	return l.ask(string(name), g)
}

// ask puts the question and notes the answer.
func (l *Lookup) ask(name string, g *logGroup) *Set {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	noted := false
	defer func() {
		if !noted { // Ask has panicked: nobody may wait for it
			l.note(g, nil)
		}
	}()
	texts, err := l.Ask(ctx, name)
	formats := l.parse(name, texts)
	before, failedBefore, after := l.note(g, formats)
	noted = true

	switch {
	case formats == nil && !failedBefore:
		l.logger().Warn(fmt.Sprintf("log group %s: its format cannot be looked up, lines are read in the %s", name, after),
			"err", Printable(reason(err).Error()), "ask_again_in", l.refresh())
	case formats != nil && (before == nil || failedBefore || before.String() != after.String()):
		l.logger().Info(fmt.Sprintf("log group %s: %s", name, after))
	}
	return after
}

// note ends a question with its answer, nil where there is none. It returns what
// was known before, and what is known now.
func (l *Lookup) note(g *logGroup, formats *Set) (before *Set, failedBefore bool, after *Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, failedBefore = g.set, g.failed
	g.failed = formats == nil
	switch {
	case formats != nil:
		g.set = formats
	case before == nil:
		g.set = l.fallback()
	}
	g.due = time.Now().Add(l.refresh())
	close(g.asking)
	g.asking = nil
	return before, failedBefore, g.set
}

// groupName reports whether AWS takes name for the name of a log group.
func groupName(name []byte) bool {
	for _, c := range name {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && !digit(c) && c != '-' && c != '_' && c != '/' && c != '.' && c != '#' {
			return false
		}
	}
	return len(name) <= MaxGroupName
}

// reason is the error of a question, which may also have found nothing.
func reason(err error) error {
	if err != nil {
		return err
	}
	return errors.New("no flow log writes to this log group")
}

// parse returns the formats of an answer; nil when it has none.
func (l *Lookup) parse(name string, texts []string) *Set {
	var formats []*Format
	for _, text := range texts {
		f, err := ParseFormat(text)
		if err != nil {
			l.logger().Warn(fmt.Sprintf("log group %s: a flow log is left out", name), "err", Printable(err.Error()))
			continue
		}
		formats = append(formats, f)
	}
	if formats == nil {
		return nil
	}
	return Fixed(formats...)
}

// place makes room for another log group; nil when there is none.
func (l *Lookup) place(name string, now time.Time) *logGroup {
	if len(l.groups) >= MaxLogGroups && !l.dropOldest(now) {
		if !l.full {
			l.full = true
			l.logger().Warn(fmt.Sprintf("more than %d log groups: the default format is used for the others", MaxLogGroups))
		}
		return nil
	}
	if l.groups == nil {
		l.groups = make(map[string]*logGroup)
	}
	g := &logGroup{}
	l.groups[strings.Clone(name)] = g
	return g
}

// dropOldest forgets the log group that was asked for longest ago, if its
// answer is too old to be used.
func (l *Lookup) dropOldest(now time.Time) bool {
	var oldest string
	due := now
	for name, g := range l.groups {
		if g.asking == nil && g.due.Before(due) {
			oldest, due = name, g.due
		}
	}
	if due == now {
		return false
	}
	delete(l.groups, oldest)
	return true
}

func (l *Lookup) refresh() time.Duration {
	if l.Refresh > 0 {
		return l.Refresh
	}
	return 5 * time.Minute
}

func (l *Lookup) fallback() *Set {
	if l.Default != nil {
		return l.Default
	}
	return byDefault
}

func (l *Lookup) logger() *slog.Logger {
	if l.Logger != nil {
		return l.Logger
	}
	return slog.New(slog.DiscardHandler)
}
