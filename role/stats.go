package role

import "sync/atomic"

// Stats counts what a manager or agent has done since it was made. What is
// dropped is counted once, under the first reason that fits.
type Stats struct {
	Sent        uint64 // messages written, retransmissions included
	Received    uint64 // messages read
	Answered    uint64 // exchanges that got their answer
	Retries     uint64 // retransmissions
	NoResponse  uint64 // exchanges that ended without an answer
	Undelivered uint64 // times the network reported that a message did not arrive
	SendErrors  uint64 // messages that could not be written

	Late       uint64 // dropped: the answer to an exchange that had been given up
	Duplicate  uint64 // dropped: a further answer to an exchange
	Foreign    uint64 // dropped: answers no exchange, or comes from another address than asked
	Unpairable uint64 // dropped: has no key
	Empty      uint64 // dropped: has no octets
	Overflow   uint64 // dropped: nobody called Receive in time
	Framing    uint64 // streams closed inside a message, or for one that cannot be
	Kernel     uint64 // dropped by the system for want of room in the socket's buffer (Linux)
}

// counters holds the Stats that change while messages flow.
type counters struct {
	sent, received, answered, retries, noResponse, undelivered, sendErrors atomic.Uint64
	late, duplicate, foreign, unpairable, empty, overflow, framing         atomic.Uint64
}

func (c *counters) stats(conns ...PacketConn) Stats {
	s := Stats{
		Sent:        c.sent.Load(),
		Received:    c.received.Load(),
		Answered:    c.answered.Load(),
		Retries:     c.retries.Load(),
		NoResponse:  c.noResponse.Load(),
		Undelivered: c.undelivered.Load(),
		SendErrors:  c.sendErrors.Load(),
		Late:        c.late.Load(),
		Duplicate:   c.duplicate.Load(),
		Foreign:     c.foreign.Load(),
		Unpairable:  c.unpairable.Load(),
		Empty:       c.empty.Load(),
		Overflow:    c.overflow.Load(),
		Framing:     c.framing.Load(),
	}
	for _, conn := range conns {
		if d, ok := conn.(interface{ kernelDrops() uint64 }); ok {
			s.Kernel += d.kernelDrops()
		}
	}
	return s
}
