package way

// The names of stages that figures are made of.
const (
	StageKlauspost = "klauspost inflates"
	StageWhole     = "the whole way"
	// Of both the time is by the clock, of stretches of bodies one after the other.
	StageOneCore  = "stretches, one core"
	StageTwoCores = "stretches, two cores"
)

// StretchBodies is how many bodies lie between two looks at the clock where two
// cores are compared with one: few enough for some pass to find both undisturbed,
// and enough to show what two cost each other, and what one waits for the other
// at the end.
const StretchBodies = 400
