package flowlog

// document is one envelope of a CloudWatch Logs subscription. Its values are
// views into the body:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
type document struct {
	messageType, owner, logGroup, logStream value
	// message is the line of a document that is no envelope.
	message value
	// events are the log events, if they are not more than BlockRecords.
	events []event
	// last is the last event of all.
	last event
	// array is where "[" of logEvents stands, -1 without such an array.
	array int
	// total is how many events there are.
	total int
	// foreign says that an element of logEvents is no event.
	foreign bool
}

// event is one log event.
type event struct{ id, message value }

// valid reports whether the event has the types of a log event. A message may
// be an object: the parseVPC transformer of CloudWatch Logs makes such.
func (e *event) valid() bool {
	return (e.id.text() || e.id.kind == kindNumber) && (e.message.text() || e.message.kind == kindObject)
}

// messageKind is what a document is.
type messageKind uint8

const (
	messageForeign messageKind = iota // JSON, but no envelope
	messageControl
	messageData
)

// kind judges a document that was read.
func (d *document) kind(scratch *[]byte) messageKind {
	if d.array < 0 || d.foreign || !d.owner.text() || !d.logGroup.text() || !d.logStream.text() {
		return messageForeign
	}
	mark := len(*scratch)
	word := d.messageType.bytes(scratch)
	*scratch = (*scratch)[:mark]
	switch {
	case d.messageType.kind != kindString:
		return messageForeign
	case string(word) == "CONTROL_MESSAGE":
		return messageControl
	case string(word) == "DATA_MESSAGE":
		return messageData
	}
	return messageForeign
}

// document reads one JSON object. It answers false when that is no JSON; what
// is JSON and no envelope is left to the document's methods. Keys may come in
// any order, unknown ones are skipped, and of equal ones the last counts.
func (s *scanner) document(d *document, scratch *[]byte) bool {
	*d = document{events: d.events[:0], array: -1}
	if !s.take('{') {
		return false
	}
	for first := true; ; first = false {
		more, ok := s.next('}', first)
		if !ok || !more {
			return ok
		}
		if !s.member(d, scratch) {
			return false
		}
	}
}

// logEventsKey is how logEvents begins where CloudWatch Logs writes it.
const logEventsKey = `"logEvents":[`

// head reads a document up to its first event; false when its events do not
// begin as CloudWatch Logs writes them.
func (s *scanner) head(d *document, scratch *[]byte) bool {
	*d = document{events: d.events[:0], array: -1}
	if !s.take('{') {
		return false
	}
	for first := true; d.array < 0; first = false {
		if more, ok := s.next('}', first); !ok || !more {
			return false
		}
		if s.peek() == '"' && hasPrefix(s.buf[s.pos:], logEventsKey) {
			s.pos += len(logEventsKey)
			d.array = s.pos - 1
			return true
		}
		if !s.member(d, scratch) {
			return false
		}
	}
	return false
}

// tail reads a document behind its events; false when a key stands there that
// member knows.
func (s *scanner) tail(scratch *[]byte) bool {
	for {
		more, ok := s.next('}', false)
		if !ok || !more {
			return ok
		}
		mark := len(*scratch)
		key, ok := s.key(scratch)
		*scratch = (*scratch)[:mark]
		switch string(key) {
		case "messageType", "owner", "logGroup", "logStream", "logEvents":
			return false
		}
		if !ok {
			return false
		}
		if _, ok = s.value(maxDepth - 1); !ok {
			return false
		}
	}
}

// coded reports whether a text that records take from the document must be
// decoded first.
func (d *document) coded() bool { return d.owner.coded() || d.logGroup.coded() || d.logStream.coded() }

// member reads one key of a document and its value.
func (s *scanner) member(d *document, scratch *[]byte) (ok bool) {
	mark := len(*scratch)
	key, ok := s.key(scratch)
	*scratch = (*scratch)[:mark]
	if !ok {
		return false
	}
	switch string(key) {
	case "messageType":
		d.messageType, ok = s.value(maxDepth - 1)
	case "owner":
		d.owner, ok = s.value(maxDepth - 1)
	case "logGroup":
		d.logGroup, ok = s.value(maxDepth - 1)
	case "logStream":
		d.logStream, ok = s.value(maxDepth - 1)
	case "logEvents":
		ok = s.logEvents(d, scratch)
	case "message":
		d.message, ok = s.value(maxDepth - 1)
	default:
		_, ok = s.value(maxDepth - 1)
	}
	return ok
}

// logEvents reads the array of events.
func (s *scanner) logEvents(d *document, scratch *[]byte) bool {
	d.events, d.total, d.foreign, d.array, d.last = d.events[:0], 0, false, -1, event{}
	if s.peek() != '[' {
		_, ok := s.value(maxDepth - 1)
		return ok
	}
	d.array = s.pos
	s.pos++
	for first := true; ; first = false {
		more, ok := s.next(']', first)
		if !ok || !more {
			return ok
		}
		var e event
		object, ok := s.event(&e, scratch)
		if !ok {
			return false
		}
		d.foreign = d.foreign || !object || !e.valid()
		d.last = e
		if d.total++; len(d.events) < BlockRecords {
			d.events = append(d.events, e)
		}
	}
}

// event reads one element of logEvents; object is false when that is none.
func (s *scanner) event(e *event, scratch *[]byte) (object, ok bool) {
	*e = event{}
	if s.peek() != '{' {
		_, ok = s.value(maxDepth - 2)
		return false, ok
	}
	s.pos++
	for first := true; ; first = false {
		more, ok := s.next('}', first)
		if !ok || !more {
			return true, ok
		}
		mark := len(*scratch)
		key, ok := s.key(scratch)
		*scratch = (*scratch)[:mark]
		if !ok {
			return true, false
		}
		var v value
		if v, ok = s.value(maxDepth - 3); !ok {
			return true, false
		}
		switch string(key) {
		case "id":
			e.id = v
		case "message":
			e.message = v
		}
	}
}
