package corpus

// FileStats describes one file of flow logs.
type FileStats struct {
	File           string  `json:"file"`
	KinesisRecords int     `json:"kinesis_records,omitempty"`
	FlowRecords    int     `json:"flow_records"`
	RawBytes       int64   `json:"raw_bytes"`
	GzipBytes      int64   `json:"gzip_bytes"`
	RawPerFlow     float64 `json:"raw_bytes_per_flow_record"`
	GzipPerFlow    float64 `json:"gzip_bytes_per_flow_record"`
	Ratio          float64 `json:"ratio"`
}

// Lines counts the lines of KinesisV2 by what they say.
type Lines struct {
	All      int `json:"all"`
	IPv6     int `json:"ipv6"`
	NoData   int `json:"nodata"`
	OwnEnd   int `json:"one_end_is_own_interface"`
	Rejected int `json:"rejected"`
	SkipData int `json:"skipdata"`
}

// Manifest describes a corpus.
type Manifest struct {
	Files      []FileStats `json:"files"`
	Interfaces int         `json:"interfaces"`
	KinesisV2  Lines       `json:"kinesis_v2_lines"`
	Seed       uint64      `json:"seed"`
	Subnets    int         `json:"subnets"`
}

func (l *Lines) count(env *envelope) {
	own := env.from
	for i := range env.flows {
		f := &env.flows[i]
		l.All++
		switch {
		case f.status == noData:
			l.NoData++
			continue
		case f.status == skipData:
			l.SkipData++
			continue
		case !f.accept:
			l.Rejected++
		}
		if f.src.Is6() {
			l.IPv6++
		}
		if f.src == own.v4 || f.src == own.v6 || f.dst == own.v4 || f.dst == own.v6 {
			l.OwnEnd++
		}
	}
}
