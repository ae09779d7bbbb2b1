package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The reasons why a request failed, the values of the reason label.
const (
	Throttled = "throttled"
	Expired   = "expired"
	Denied    = "denied"
	NotFound  = "not_found"
	Network   = "network"
	Other     = "other"
)

// Reasons returns all reasons.
func Reasons() []string {
	return []string{Throttled, Expired, Denied, NotFound, Network, Other}
}

// Codes of AWS, beyond those of the SDK's own lists:
// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var (
	expiredCredentials = set("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
	badCredentials     = set("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"AuthFailure", "OptInRequired", "NotAuthorized")
	denials = set("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMSAccessDeniedException",
		"NotAuthorizedException", "UnauthorizedAccess")
)

// missingQueues are the codes of SQS for a queue that is not there, by either protocol.
var missingQueues = set("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")

// missingObjects are the codes of S3 for what is not there.
var missingObjects = set("NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NotFound")

// IsDenial reports whether the error code of AWS says that the caller is known,
// and the call is not allowed.
func IsDenial(code string) bool { return denials[code] }

func set(codes ...string) map[string]bool {
	m := make(map[string]bool, len(codes))
	for _, c := range codes {
		m[c] = true
	}
	return m
}

// Reason sorts the error of an AWS call into one of the reasons.
func Reason(err error) string {
	var p *Problem
	if errors.As(err, &p) && p.Err != nil {
		err = p.Err // the sentence hides what the SDK said
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return reasonOf(api.ErrorCode())
	}
	if noCredentials(err) {
		return Denied
	}
	var status *smithyhttp.ResponseError
	if errors.As(err, &status) && status.HTTPStatusCode() >= 400 {
		return Other // an answer that is none of AWS' own, as of a proxy
	}
	if isNetwork(err) {
		return Network
	}
	return Other
}

func reasonOf(code string) string {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled || code == "KMSThrottlingException" || code == "OverLimit":
		return Throttled
	case expiredCredentials[code] || code == "ExpiredIteratorException" || code == "ExpiredNextTokenException":
		return Expired
	case badCredentials[code] || denials[code]:
		return Denied
	case missingQueues[code] || missingObjects[code]:
		return NotFound
	case code == "ResourceNotFoundException" || strings.HasSuffix(code, ".NotFound"):
		return NotFound
	}
	return Other
}

// isNetwork reports whether the answer did not arrive, or not in full.
func isNetwork(err error) bool {
	var sent *smithyhttp.RequestSendError
	var nets net.Error
	return errors.As(err, &sent) || errors.As(err, &nets) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded)
}

// unreachable words an answer that did not arrive; "" when it is another failure.
func unreachable(err error, s Subject) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no host %s: check the region %q, the DNS of this machine and the VPC endpoints", dns.Name, s.Region)
	case errors.Is(err, context.DeadlineExceeded):
		return "AWS did not answer in time: check proxies, security groups and VPC endpoints of this machine"
	}
	return ""
}
