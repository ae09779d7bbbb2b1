package web

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Family is one metric family of a page, which writes itself. It never changes,
// and is safe for concurrent use.
type Family interface {
	// Name is that of the text format; a counter's ends with _total.
	Name() string
	Type() dto.MetricType
	// Append appends the family to b as the text format writes it, or as
	// OpenMetrics 1.0 does, byte for byte as [expfmt] would. Every some hundred
	// lines it hands what it has to flush, and goes on appending to what flush
	// returns. It returns what it has at the end.
	Append(b []byte, openMetrics bool, flush func(b []byte) []byte) []byte
}

// WriteText writes families in the text format, in the order of their names.
func WriteText(w io.Writer, families []Family) error {
	var err error
	flush := func(b []byte) []byte {
		if err == nil {
			_, err = w.Write(b)
		}
		return b[:0]
	}
	var b []byte
	for _, family := range sorted(families) {
		b = flush(family.Append(b, false, flush))
	}
	return err
}

// sorted returns the families in the order of a page.
func sorted(families []Family) []Family {
	return slices.SortedFunc(slices.Values(families), func(a, b Family) int { return cmp.Compare(a.Name(), b.Name()) })
}

// encoded is a family that was written beforehand.
type encoded struct {
	name              string
	kind              dto.MetricType
	text, openMetrics []byte
}

// Encode returns families, few and small, as those of a page. It is an error
// when one of them cannot be written. The families are not needed afterwards.
func Encode(families []*dto.MetricFamily) ([]Family, error) {
	list := make([]Family, len(families))
	for i, family := range families {
		text, err := encode(family, expfmt.FmtText)
		if err != nil {
			return nil, err
		}
		openMetrics, err := encode(family, expfmt.FmtOpenMetrics_1_0_0)
		if err != nil {
			return nil, err
		}
		list[i] = &encoded{family.GetName(), family.GetType(), text, openMetrics}
	}
	return list, nil
}

// Name implements Family.
func (e *encoded) Name() string { return e.name }

// Type implements Family.
func (e *encoded) Type() dto.MetricType { return e.kind }

// Append implements Family.
func (e *encoded) Append(b []byte, openMetrics bool, flush func([]byte) []byte) []byte {
	text := e.text
	if openMetrics {
		text = e.openMetrics
	}
	for len(text) > pieceSize {
		b = flush(append(b, text[:pieceSize]...))
		text = text[pieceSize:]
	}
	return append(b, text...)
}

func encode(family *dto.MetricFamily, format expfmt.Format) ([]byte, error) {
	var b bytes.Buffer
	if err := encoder(&b, format).Encode(family); err != nil { // not closed: other families follow
		return nil, fmt.Errorf("the metric %s cannot be written: %w", family.GetName(), err)
	}
	return bytes.Clone(b.Bytes()), nil
}

// escaping is what becomes of a name that only newer scrapers understand. Ours
// are plain, and the same in each answer.
const escaping = model.UnderscoreEscaping

func encoder(w io.Writer, format expfmt.Format) expfmt.Encoder {
	return expfmt.NewEncoder(w, format.WithEscapingScheme(escaping))
}
