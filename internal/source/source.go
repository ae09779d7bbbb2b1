// Package source is where log bodies come from, and the place in them: it
// reads Kinesis streams and files and hands every body over in order.
package source

import (
	"context"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Handler takes the bodies of a source. Bodies of one partition come one after
// the other in the order of their places; bodies of several partitions come at
// the same time. The body is valid until Handle returns.
//
// A returned error is one of the machine: the source stops at once, and the
// body counts as not handled. What is wrong with the data itself is no error.
type Handler interface {
	Handle(ctx context.Context, body flow.Body) error
}

// Places remembers how far a source was read before. What a position says is
// known to the source alone. Safe for concurrent use.
type Places interface {
	// Place returns the position of the last handled body of the partition, or
	// what was pinned since.
	Place(partition string) (position string, ok bool)
	// Pin remembers a position that no body brings, as the start of a shard; an
	// empty one forgets the partition. A body handled later and its place become
	// durable no sooner than the pin.
	Pin(partition, position string)
}
