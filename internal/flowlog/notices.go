package flowlog

import (
	"strings"
	"sync"
	"time"
)

// quiet is how long a topic is not spoken of again.
const quiet = 10 * time.Second

// maxTold is how many sentences that are said once are remembered. What comes
// after them is not said at all.
const maxNotices = 1000

// maxKey is how many bytes of a key are remembered.
const maxKey = 4 << 10

// topic is a kind of fault that may come with every message.
type topic uint8

const (
	topicMessage  topic = iota // a message that cannot be decoded
	topicMismatch              // a line that fits no known format
	numTopics
)

// Notices keeps the log short: a fault that may come with every message is told
// at most once per 10 seconds and kind, a peculiarity of a format or log group
// once. The zero value is ready. It is safe for concurrent use; all readers of
// a process share one.
type Notices struct {
	mu   sync.Mutex
	next [numTopics]time.Time
	told map[notice]struct{}
}

// notice names a sentence that is said once: what it is about, and of whom.
type notice struct{ kind, key string }

// due reports whether the topic may be spoken of now, and takes the turn.
func (n *Notices) due(t topic) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if now.Before(n.next[t]) {
		return false
	}
	n.next[t] = now.Add(quiet)
	return true
}

// once reports whether the sentence named by kind and key was never said.
func (n *Notices) once(kind, key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := notice{kind, key[:min(len(key), maxKey)]}
	if _, ok := n.told[name]; ok || len(n.told) == maxNotices {
		return false
	}
	if n.told == nil {
		n.told = make(map[notice]struct{})
	}
	name.key = strings.Clone(name.key)
	n.told[name] = struct{}{}
	return true
}
