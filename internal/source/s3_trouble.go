package source

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complaints makes few log lines of many failures: one for each kind, and a
// reminder from time to time. Kinds come from a closed list. Safe for concurrent
// use.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	said map[string]time.Time
}

// warn logs, unless the kind was told of lately.
func (c *complaints) warn(kind, text string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if said, ok := c.said[kind]; ok && time.Since(said) < remindAfter {
		return
	}
	if c.said == nil {
		c.said = make(map[string]time.Time)
	}
	c.said[kind] = time.Now()
	c.log.Warn(text, args...)
}

// over says that the kinds that begin so are over, if one of them was told of.
func (c *complaints) over(kinds, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	some := false
	for kind := range c.said {
		if strings.HasPrefix(kind, kinds) {
			delete(c.said, kind)
			some = true
		}
	}
	if some {
		c.log.Info(text)
	}
}
