package flow

import "io"

// Body is what a source hands over: bytes as AWS delivered them, and the place
// they came from. Exactly one of Data, Batch and Stream is set.
type Body struct {
	// Source is the name of the input, the value of the source label.
	Source string
	// Place is where in the source the body stands.
	Place Place
	// Data is a whole message. It belongs to the source and is valid until
	// the handler returns.
	Data []byte
	// Batch is several such messages that count together, or not at all. It
	// belongs to the source as Data does.
	Batch [][]byte
	// Stream is an object of any size, read once from its beginning; one that
	// is an Object may be read from anywhere as well.
	Stream io.Reader
}

// Object is a stream whose bytes may be read from anywhere, as Parquet needs it,
// which keeps its table of contents at the end. ReadAt ends with io.EOF where the
// object does; any other error is one of the machine.
type Object interface {
	io.Reader
	io.ReaderAt
	// Size is how many bytes the object has; below 0 when it has no end.
	Size() int64
}

// Place is how far a source was read: everything up to and including Position
// in Partition is handled.
type Place struct {
	// Partition is a part of the source that is read in order, as a shard.
	Partition string
	// Position grows along the partition, as a sequence number does.
	Position string
}
