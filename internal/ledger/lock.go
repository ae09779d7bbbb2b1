package ledger

import "errors"

// ErrLocked says that another process has the state.
var ErrLocked = errors.New("in use by another process")
