package main

import (
	"fmt"
	"math"
	"strings"
)

// chart is a figure with two panels side by side, which share what they have on
// the logarithmic axis to the right.
type chart struct {
	Title, X string
	Panels   [2]panel
}

// panel is one curve. Its axis upwards begins at 0.
type panel struct {
	Y      string
	Points [][2]float64
	// Bound is drawn as a dashed line; 0 is none.
	Bound     float64
	BoundName string
}

// The measures of a chart, in pixels.
const (
	chartWidth, chartHeight = 860, 340
	panelLeft, panelTop     = 62, 62
	panelWidth, panelHeight = 340, 216
	panelStep               = 425
)

// style has a middle grey that is read on white and on black, and follows the
// reader's preference where it is known.
const style = `<style>
text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-size:15px;font-weight:600}
.g{stroke:#8b949e;stroke-opacity:.35}.a{stroke:#8b949e}.c{fill:none;stroke-width:2.5}
.b{stroke:#cf222e;stroke-dasharray:6 4;stroke-width:1.5}.bt{fill:#cf222e}
.c0{stroke:#1f77d0}.d0{fill:#1f77d0}.c1{stroke:#c4620a}.d1{fill:#c4620a}
@media(prefers-color-scheme:dark){text{fill:#adbac7}.b{stroke:#ff7b72}.bt{fill:#ff7b72}.c0{stroke:#58a6ff}.d0{fill:#58a6ff}.c1{stroke:#f0883e}.d1{fill:#f0883e}}
</style>
`

// svg draws the chart.
func (c *chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", chartWidth, chartHeight, c.Title)
	b.WriteString(style)
	fmt.Fprintf(&b, `<text class="t" x="%d" y="24">%s</text>`+"\n", panelLeft, c.Title)
	for i := range c.Panels {
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", panelLeft+i*panelStep, panelTop)
		c.Panels[i].draw(&b, i, c.X)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw draws the axes, then the curve over them.
func (p *panel) draw(b *strings.Builder, color int, x string) {
	low, high, top := p.extent()
	at := func(v float64) float64 { return panelWidth * (math.Log10(v) - low) / (high - low) }
	up := func(v float64) float64 { return panelHeight * (1 - v/top) }
	fmt.Fprintf(b, `<text x="0" y="-12">%s</text>`+"\n", p.Y)
	for _, v := range ticks(top) {
		fmt.Fprintf(b, `<line class="g" x1="0" x2="%d" y1="%.1f" y2="%.1f"/><text x="-8" y="%.1f" text-anchor="end">%s</text>`+"\n",
			panelWidth, up(v), up(v), up(v)+4, number64(v))
	}
	for e := math.Ceil(low); e <= high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<line class="g" x1="%.1f" x2="%.1f" y1="0" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at(v), at(v), panelHeight, at(v), panelHeight+20, number64(v))
	}
	fmt.Fprintf(b, `<path class="a" fill="none" d="M0 0V%dH%d"/>`+"\n", panelHeight, panelWidth)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", panelWidth/2, panelHeight+44, x)
	if p.Bound > 0 {
		fmt.Fprintf(b, `<line class="b" x1="0" x2="%d" y1="%.1f" y2="%.1f"/><text class="bt" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			panelWidth, up(p.Bound), up(p.Bound), panelWidth, up(p.Bound)-5, p.BoundName)
	}
	var path, dots strings.Builder
	for i, pt := range p.Points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], at(pt[0]), up(pt[1]))
		fmt.Fprintf(&dots, `<circle class="d%d" cx="%.1f" cy="%.1f" r="4"><title>%s: %s</title></circle>`, color, at(pt[0]), up(pt[1]), number64(pt[0]), number64(pt[1]))
	}
	fmt.Fprintf(b, `<path class="c c%d" d="%s"/>%s`+"\n", color, path.String(), dots.String())
}

// extent returns the powers of ten to both ends, and the top, with some room.
func (p *panel) extent() (low, high, top float64) {
	low, high, top = math.Inf(1), math.Inf(-1), p.Bound
	for _, pt := range p.Points {
		low, high, top = min(low, math.Log10(pt[0])), max(high, math.Log10(pt[0])), max(top, pt[1])
	}
	return low - 0.1, high + 0.1, 1.15 * top
}

// ticks are round numbers from 0 to the top, four to nine of them.
func ticks(top float64) (list []float64) {
	step := math.Pow(10, math.Floor(math.Log10(top/4)))
	for _, m := range []float64{5, 2.5, 2} {
		if top/(m*step) >= 4 {
			step *= m
			break
		}
	}
	for v := 0.0; v <= top; v += step {
		list = append(list, v)
	}
	return list
}

// number64 writes a number in few letters.
func number64(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.3g k", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}
