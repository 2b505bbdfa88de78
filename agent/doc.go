// Package agent answers: it is the command responder of SNMP v1, v2c and v3,
// and knows no sockets.
//
//	a, err := agent.New(&agent.Config{Communities: []agent.Community{{Name: "public", Grant: &agent.Grant{}}}})
//	a.Handle(root, agent.Load(snmp.Counter64Value, &requests))
//	answer := a.Respond(ctx, nil, request, source, local)
//
// # Objects
//
// A [Handler] has the objects of a subtree. [Const], [Load], [Var] and [Scalar]
// make one of a single value, [Table] one of rows in order. Handlers of your own
// need two methods, and a third to be set.
//
// A context (RFC 3411, section 3.3.1) is a tree of handlers with a name; the
// default context is "".
//
// # Access
//
// Nobody may do anything by default. A [Grant] is access in one word; groups,
// views and access entries (RFC 3415) are for more than that.
//
// # Time
//
// A handler has Config.Timeout for each request. If it panics or has not
// returned by then, the request gets a genErr and all others go on. Its
// goroutine lives until it returns.
//
// # Buffers
//
// Respond appends to the buffer that it is given and keeps nothing of the
// request. Requests for scalars and tables of this package cost no allocation.
//
// # Concurrency
//
// Respond may be called from any number of goroutines, and calls handlers
// concurrently. Requests that set values wait for each other. Handle may be
// called at any time.
package agent
