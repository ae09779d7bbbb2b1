// Package nearest finds the word that a misspelt one was meant to be.
package nearest

import "strings"

// longest is how many bytes of a word are looked at: no word that is known here
// has more, and the time grows with the square.
const longest = 64

// To returns the known word that is closest to a misspelt one, "" when none is
// near enough to be meant: a third of its letters may be wrong, three at most. Of
// words that are equally near it is the first.
func To(misspelt string, known []string) (best string) {
	misspelt = strings.ToLower(strings.TrimSpace(misspelt))
	if len(misspelt) > longest {
		return ""
	}
	least := 4
	for _, word := range known {
		if len(word) > longest {
			continue
		}
		if d := distance(misspelt, word); d < least && 3*d <= max(len(word), 3) {
			best, least = word, d
		}
	}
	return best
}

// distance is how many letters have to be added, dropped, changed or exchanged with
// their neighbour to turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
