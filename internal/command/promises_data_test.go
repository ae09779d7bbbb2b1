package command

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/netip"
)

func addresses(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// envelope returns a CloudWatch Logs message of n records, some denied, as it
// stands in a Kinesis record. Its event ids begin at first.
func envelope(first, n int) []byte {
	type event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	document := struct {
		MessageType string   `json:"messageType"`
		Owner       string   `json:"owner"`
		LogGroup    string   `json:"logGroup"`
		LogStream   string   `json:"logStream"`
		Filters     []string `json:"subscriptionFilters"`
		Events      []event  `json:"logEvents"`
	}{"DATA_MESSAGE", "123456789012", "flow-logs", "eni-0123456789abcdef0-all", []string{"kinesis"}, nil}
	for i := range n {
		src, dst, action := "10.0.0.5", fmt.Sprintf("203.0.113.%d", i%250), "ACCEPT"
		if i%2 == 1 {
			src, dst = dst, src
		}
		if i%7 == 0 {
			action = "REJECT"
		}
		document.Events = append(document.Events, event{
			ID: fmt.Sprintf("%056d", first+i), Timestamp: 1700000000000,
			Message: fmt.Sprintf("2 123456789012 eni-0123456789abcdef0 %s %s %d 443 6 %d %d 1700000000 1700000060 %s OK",
				src, dst, 1024+i, 1+i%50, 40+60*i, action),
		})
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return packed.Bytes()
}
