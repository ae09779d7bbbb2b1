package vpc

import (
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// subnetOf takes over a subnet. One that is IPv6 only has no IPv4 range, and an
// IPv6 range counts while it is associated.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html
func subnetOf(in *types.Subnet) flow.Subnet {
	s := flow.Subnet{
		ID: aws.ToString(in.SubnetId), VPCID: aws.ToString(in.VpcId),
		AZID: aws.ToString(in.AvailabilityZoneId), AccountID: aws.ToString(in.OwnerId),
	}
	if p, err := netip.ParsePrefix(aws.ToString(in.CidrBlock)); err == nil {
		s.Prefixes = append(s.Prefixes, p)
	}
	for _, a := range in.Ipv6CidrBlockAssociationSet {
		if a.Ipv6CidrBlockState == nil || a.Ipv6CidrBlockState.State != types.SubnetCidrBlockStateCodeAssociated {
			continue
		}
		if p, err := netip.ParsePrefix(aws.ToString(a.Ipv6CidrBlock)); err == nil {
			s.Prefixes = append(s.Prefixes, p)
		}
	}
	s.Prefixes = masked(s.Prefixes)
	s.CIDR = label(s.Prefixes)
	for _, tag := range in.Tags {
		if aws.ToString(tag.Key) == "Name" {
			s.Name = aws.ToString(tag.Value)
		}
	}
	return s
}

// label returns the text of the subnet label. IPv4 sorts before IPv6, so that
// the first prefix is the IPv4 range where the subnet has one.
func label(sorted []netip.Prefix) string {
	if len(sorted) == 0 {
		return ""
	}
	return sorted[0].String()
}

func interfaceOf(in *types.NetworkInterface) Interface {
	i := Interface{ID: aws.ToString(in.NetworkInterfaceId), SubnetID: aws.ToString(in.SubnetId), VPCID: aws.ToString(in.VpcId)}
	add := func(text *string) {
		if a, err := netip.ParseAddr(aws.ToString(text)); err == nil && !slices.Contains(i.Addrs, a) {
			i.Addrs = append(i.Addrs, a)
		}
	}
	add(in.PrivateIpAddress)
	for _, a := range in.PrivateIpAddresses {
		add(a.PrivateIpAddress)
	}
	for _, a := range in.Ipv6Addresses {
		add(a.Ipv6Address)
	}
	return i
}
