package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/flowlog-exporter/flowlog-exporter/internal/nearest"
)

// regions are the AWS regions of all partitions, as the SDK's endpoint rules
// of aws-sdk-go-v2 v1.47.7 know them.
var regions = strings.Fields(`
	af-south-1
	ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
	ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
	ca-central-1 ca-west-1
	eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
	il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1
	us-east-1 us-east-2 us-west-1 us-west-2
	cn-north-1 cn-northwest-1
	us-gov-east-1 us-gov-west-1
	eusc-de-east-1
	us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 us-isof-east-1 us-isof-south-1 eu-isoe-west-1`)

// wellFormed is how AWS names regions. One that is spelled so but is not in
// the list may be younger than this build.
var wellFormed = regexp.MustCompile(
	`^(us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov)-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]$`)

// checkRegion returns an error for a name that cannot be a region, and whether
// the region is in the list of this build.
func checkRegion(name string) (known bool, err error) {
	if slices.Contains(regions, name) {
		return true, nil
	}
	if wellFormed.MatchString(name) {
		return false, nil
	}
	text := fmt.Sprintf("%q is no AWS region known to this build", name)
	if near := nearest.To(name, regions); near != "" {
		text += "; did you mean " + near + "?"
	}
	return false, &Problem{Text: text}
}
