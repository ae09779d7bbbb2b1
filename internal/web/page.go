package web

import (
	"fmt"
	"hash/crc32"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
)

// Pages holds the committed metrics: the page of the last commit, and those
// before it that are still being sent. The zero value has none. It is safe for
// concurrent use.
//
// A page never changes. Each of its forms is rendered when it is first asked
// for and shared by all scrapes until the next commit, so that a commit that
// nobody scrapes costs nothing, and an exporter that is scraped in one form
// renders and holds that form alone. The buffers of a page are used again once
// it is neither the current one nor being sent. So the memory is that of the
// current page and of one page for each commit that a slow scrape has outlived,
// which the write timeout bounds.
type Pages struct {
	mu      sync.Mutex
	current *page

	buffers [numForms]sync.Pool // of *[]byte, by the form that they have held
}

// kind is which form of a page: in which format, and whether compressed.
type kind uint8

const (
	inOpenMetrics kind = 1 << iota
	compressed
	numForms = 1 << iota
)

// page is what one commit made public.
type page struct {
	pages    *Pages
	families []Family
	names    map[string]struct{} // what the live metrics must not be called
	forms    [numForms]form
	refs     int    // under pages.mu; the current page has one more
	release  func() // gives back what the families read; may be nil
}

// form is a page in one format, plain or compressed. An answer goes on after it.
type form struct {
	once sync.Once
	// data is text, or deflate blocks of it, none of which is the final one;
	// they end with a byte: https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3
	// OpenMetrics is without its "# EOF".
	data []byte
	size int    // of the text in bytes, when compressed
	crc  uint32 // CRC-32 of the text, likewise
}

// Publish makes the families what scrapes see, in the order of their names. It
// is an error when two of them, or their samples, have the same name: then the
// page stays. Release, which may be nil, is called once the families are read
// no more; not after an error.
func (p *Pages) Publish(families []Family, release func()) error {
	next := &page{pages: p, families: sorted(families), names: make(map[string]struct{}, 2*len(families)), refs: 1, release: release}
	for _, family := range families {
		for _, name := range claimed(family.Name(), family.Type()) {
			if _, twice := next.names[name]; twice {
				return fmt.Errorf("the metric %s is committed twice", name)
			}
			next.names[name] = struct{}{}
		}
	}
	p.mu.Lock()
	last := p.current
	p.current = next
	p.mu.Unlock()
	last.done()
	return nil
}

// take returns the current page, nil before the first; done gives it back.
func (p *Pages) take() *page {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		p.current.refs++
	}
	return p.current
}

// done says that who has the page needs it no more. Of a nil page it does nothing.
func (p *page) done() {
	if p == nil {
		return
	}
	p.pages.mu.Lock()
	p.refs--
	last := p.refs == 0
	p.pages.mu.Unlock()
	if !last {
		return
	}
	for i := range p.forms {
		if data := p.forms[i].data; data != nil {
			p.pages.buffers[i].Put(&data)
		}
	}
	if p.release != nil {
		p.release()
	}
}

// form returns the page in a format; a nil page is empty. It is valid until done.
func (p *page) form(k kind) *form {
	if p == nil {
		return &form{}
	}
	f := &p.forms[k]
	f.once.Do(func() { p.render(f, k) })
	return f
}

func (p *page) render(f *form, k kind) {
	var buffer []byte
	if used, ok := p.pages.buffers[k].Get().(*[]byte); ok {
		buffer = (*used)[:0]
	}
	if k&compressed != 0 {
		f.pack(buffer, p.families, k&inOpenMetrics != 0)
		return
	}
	for _, family := range p.families {
		buffer = family.Append(buffer, k&inOpenMetrics != 0, func(b []byte) []byte { return b })
	}
	f.data = buffer
}

// pack compresses the families piece by piece: their text never exists whole.
func (f *form) pack(buffer []byte, families []Family, openMetrics bool) {
	z := newPacker(buffer)
	defer z.free()
	flush := func(b []byte) []byte {
		z.write(b)
		f.size, f.crc = f.size+len(b), crc32.Update(f.crc, crc32.IEEETable, b)
		return b[:0]
	}
	for _, family := range families {
		z.piece = flush(family.Append(z.piece[:0], openMetrics, flush))
	}
	f.data = z.end()
}

// claims returns a name that both the page and the family claim, or "". A nil
// page claims none.
func (p *page) claims(family *dto.MetricFamily) string {
	if p == nil {
		return ""
	}
	for _, name := range claimed(family.GetName(), family.GetType()) {
		if _, ok := p.names[name]; ok {
			return name
		}
	}
	return ""
}

// claimed returns the names of a family and of its samples, in both formats.
func claimed(name string, typ dto.MetricType) []string {
	switch typ {
	case dto.MetricType_COUNTER: // OpenMetrics names the family without the suffix
		if base, ok := strings.CutSuffix(name, "_total"); ok {
			return []string{name, base}
		}
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	case dto.MetricType_SUMMARY:
		return []string{name, name + "_sum", name + "_count"}
	}
	return []string{name}
}
