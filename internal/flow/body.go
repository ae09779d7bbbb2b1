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
	// Stream is an object of any size, read once from its beginning.
	Stream io.Reader
}

// Place is how far a source was read: everything up to and including Position
// in Partition is handled.
type Place struct {
	// Partition is a part of the source that is read in order, as a shard.
	Partition string
	// Position grows along the partition, as a sequence number does.
	Position string
}
