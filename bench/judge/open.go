package judge

import (
	"encoding/json"

	"github.com/flowlog-exporter/flowlog-exporter/test/oracle"
)

// open reads an envelope by the standard library alone.
func open(data []byte) (b oracle.Body, err error) {
	text, err := inflate(data)
	if err != nil {
		return b, err
	}
	var e struct {
		Owner     string `json:"owner"`
		LogStream string `json:"logStream"`
		LogEvents []struct {
			Message string `json:"message"`
		} `json:"logEvents"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return b, err
	}
	b.Owner, b.LogStream = e.Owner, e.LogStream
	for _, event := range e.LogEvents {
		b.Lines = append(b.Lines, event.Message)
	}
	return b, nil
}
