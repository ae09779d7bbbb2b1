// Package vpc is the address book: it knows the subnets and network interfaces
// of the VPCs and tells at which subnet, and in which direction, a flow record
// was seen.
//
// A [Loader] fetches the lists, from EC2 or from a file. A [Book] keeps the
// current [Table] and replaces it as a whole. A [Placer] of each worker places the records;
// a [Learner] helps where neither record nor table tells the direction.
package vpc
