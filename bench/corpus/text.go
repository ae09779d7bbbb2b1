package corpus

import (
	"fmt"
	"math/big"
	"strconv"
)

// appendEnvelope writes the JSON of a CloudWatch Logs subscription as CloudWatch
// writes it: no white space, the keys in this order. It returns the number of
// log events; clean leaves out NODATA and SKIPDATA.
func appendEnvelope(b []byte, env *envelope, v5, clean bool) ([]byte, int) {
	b = append(b, `{"messageType":"DATA_MESSAGE","owner":"`...)
	b = append(b, env.from.account...)
	b = append(b, `","logGroup":"vpc-flow-logs","logStream":"`...)
	b = append(b, env.from.id...)
	b = append(b, `-all","subscriptionFilters":["flow-logs-to-kinesis"],"logEvents":[`...)
	id, n := new(big.Int), 0
	for i := range env.flows {
		f := &env.flows[i]
		if clean && f.status != ok {
			continue
		}
		if n > 0 {
			b = append(b, ',')
		}
		n++
		ms := f.start * 1000
		id.Lsh(id.SetInt64(ms), 144)
		id.Add(id, env.idLow)
		id.Add(id, big.NewInt(int64(i)))
		b = fmt.Appendf(b, `{"id":"%056d","timestamp":%d,"message":"`, id, ms)
		b = appendLine(b, env.from, f, v5)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...), n
}

// appendLine writes one line, without a line end.
func appendLine(b []byte, e *eni, f *flow, v5 bool) []byte {
	version := byte('2')
	if v5 {
		version = '5'
	}
	b = append(b, version)
	b = appendWords(b, e.account, e.id)
	action := "-"
	if f.status != ok {
		b = append(b, " - - - - - - -"...)
	} else {
		b = f.src.AppendTo(append(b, ' '))
		b = f.dst.AppendTo(append(b, ' '))
		b = appendNumbers(b, uint64(f.srcPort), uint64(f.dstPort), uint64(f.proto), f.packets, f.bytes)
		action = "ACCEPT"
		if !f.accept {
			action = "REJECT"
		}
	}
	b = appendNumbers(b, uint64(f.start), uint64(f.end))
	b = appendWords(b, action, statusText[f.status])
	if v5 {
		b = appendMore(b, e, f)
	}
	return b
}

// appendMore writes the fields of FieldsV5 beyond those of FieldsV2.
func appendMore(b []byte, e *eni, f *flow) []byte {
	b = appendWords(b, e.vpc, e.subnet, e.instance)
	if f.status != ok {
		return append(b, " - - - - - - - - - - - -"...)
	}
	b = appendNumbers(b, uint64(f.tcpFlags))
	family, direction := "IPv4", "ingress"
	if f.src.Is6() {
		family = "IPv6"
	}
	if f.egress {
		direction = "egress"
	}
	b = appendWords(b, family)
	b = f.pktSrc.AppendTo(append(b, ' '))
	b = f.pktDst.AppendTo(append(b, ' '))
	b = appendWords(b, e.region, e.zone, "", "", f.srcSvc, f.dstSvc, direction)
	if f.trafficPath == 0 {
		return appendWords(b, "")
	}
	return appendNumbers(b, uint64(f.trafficPath))
}

// appendWords writes texts, each after a blank; one that is empty is "-".
func appendWords(b []byte, words ...string) []byte {
	for _, s := range words {
		if s == "" {
			s = "-"
		}
		b = append(append(b, ' '), s...)
	}
	return b
}

func appendNumbers(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = strconv.AppendUint(append(b, ' '), n, 10)
	}
	return b
}
