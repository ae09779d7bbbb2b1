//go:build !race

package inflate

// raceEnabled says that tests run ten times as long.
const raceEnabled = false
