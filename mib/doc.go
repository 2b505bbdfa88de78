// Package mib reads MIB modules and turns names into OIDs, OIDs into names, and
// values into text and back, in the forms that Net-SNMP's programs have.
//
// # Sets
//
// [Load] parses modules in SMIv1 (RFC 1155, 1212, 1215), SMIv2 (RFC 2578, 2579,
// 2580) and SPPI (RFC 3159) and returns a [Set]: the tree of all nodes. Only the
// modules that are asked for are parsed, and what they import. Package
// mib/builtin has a set of the standard modules that needs no files; as
// [Config.Base] it lies below the modules of a user.
//
// The files of the world break the rules. Load keeps what can be read of them
// and notes every problem as a [Diagnostic]. Where several readings are possible
// it takes the one of Net-SNMP, so that names and OIDs come out the same: see
// [Level] for how far that goes. No input makes it fail, recurse without bound,
// or take more than about linear time.
//
// # Names and values
//
// An [Input] reads OIDs ("IF-MIB::ifDescr.1", "ifDescr.1", ".1.3.6.1.2.1") and
// values for SET. A [Printer] writes OIDs and variable bindings. Their fields are
// the letters of the options -I and -O. A [Translation] prints the reports of
// snmptranslate.
//
// # Memory and time
//
// A Set is one immutable string of about 120 bytes a node, which lookups read in
// place: [Set.Node] and [Set.Find] take less than 200 ns and do not allocate.
// Strings that they return are parts of it. Descriptions are not in it; they are
// read from the modules' files when somebody asks for them. [Set.AppendBinary]
// and [FromBinary] carry a set from one program to the next without parsing.
//
// # Concurrency
//
// Sets and Nodes may be used from any number of goroutines. Load uses all
// processors. There is no global state.
package mib
