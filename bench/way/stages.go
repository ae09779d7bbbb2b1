package way

// The names of stages that figures are made of.
const (
	StageKlauspost = "klauspost inflates"
	StageWhole     = "the whole way"
	// Of both the time is by the clock, of stretches of bodies one after the other.
	StageOneCore  = "stretches, one core"
	StageTwoCores = "stretches, two cores"
)
