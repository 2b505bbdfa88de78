package snmp

import (
	"context"
	"time"
)

// A Conn carries messages to one peer and brings back its answers. Package
// role has one for every socket; a transport of your own needs these two
// methods. They must be safe for concurrent use.
//
// A Conn may have a third method, which makes [Client.StartGet] cheap:
//
//	Start(key uint32, req, buf []byte, timeout time.Duration, retries int, done func(rsp []byte, err error)) error
//
// Start is Exchange without the wait. It calls done once, with the answer
// appended to buf[:0] or with an error, unless it returns an error itself. Req
// and buf belong to the Conn until then. Done runs on the Conn's own goroutine: it
// may call Start but does not block.
type Conn interface {
	// Send sends msg and waits for no answer. It keeps no reference to msg.
	Send(ctx context.Context, msg []byte) error

	// Exchange sends req, waits for the answer whose [Key] is key and
	// appends it to buf[:0]. It sends req again each time timeout has
	// passed, at most retries times; 0 means the Conn's own timeout or
	// number of retries, and negative retries none. It keeps no reference
	// to req or buf after it returns.
	Exchange(ctx context.Context, key uint32, req, buf []byte, timeout time.Duration, retries int) (rsp []byte, err error)
}

// A starter is a Conn that can also exchange without blocking.
type starter interface {
	Conn
	Start(key uint32, req, buf []byte, timeout time.Duration, retries int, done func(rsp []byte, err error)) error
}
