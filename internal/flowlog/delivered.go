package flowlog

// Deliveries recognises what was delivered before. CloudWatch Logs delivers at
// least once: now and then the same log events come again in another record.
type Deliveries interface {
	// Fresh reports whether the delivery is new: so many log events of a log
	// stream, from the first event's id to the last's. It keeps no slice.
	Fresh(logStream, first, last []byte, events int) bool
}

// minEventID is how many digits the id of a log event has at least where AWS
// makes it, which are 56. Emulators write small numbers that come again.
const minEventID = 50

// delivered reports whether all events of a document came before.
func (r *Reader) delivered(d *document) bool {
	if r.known == nil || d.total == 0 || !d.events[0].id.unique() || !d.last.id.unique() {
		return false
	}
	mark := len(r.scratch)
	fresh := r.known.Fresh(d.logStream.bytes(&r.scratch), d.events[0].id.raw, d.last.id.raw, d.total)
	r.scratch = r.scratch[:mark]
	return !fresh
}

// unique reports whether the value is the id that AWS gives to a log event, of
// which there is one in the world.
func (v value) unique() bool {
	if v.kind != kindString || !v.plain || len(v.raw) < minEventID {
		return false
	}
	for _, c := range v.raw {
		if !digit(c) {
			return false
		}
	}
	return true
}
