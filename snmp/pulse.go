package snmp

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A pulse is how fast a peer answers, as RFC 6298 estimates it.
type pulse struct {
	srtt, rttvar time.Duration // 0 until there is a sample
	backoff      uint8         // how often the timeout has doubled since the last sample
	silent       uint8         // calls in a row without an answer
}

const (
	maxBackoff = 16
	maxSilent  = 3 // after this many, calls make one attempt
)

// timeout returns the length of the first attempt.
func (p *pulse) timeout(f *Config) time.Duration {
	t := p.srtt + 4*p.rttvar
	if p.srtt == 0 {
		if t = f.Timeout; t == 0 {
			t = time.Second
		}
	}
	t = max(t, f.MinTimeout)
	for range p.backoff {
		if t *= 2; t > f.MaxTimeout {
			break
		}
	}
	return min(t, f.MaxTimeout)
}

// answered takes the time of an answer, unless it may have been to an earlier
// attempt (Karn's algorithm): then rtt is 0.
func (p *pulse) answered(rtt time.Duration) {
	p.silent = 0
	switch {
	case rtt <= 0:
		return
	case p.srtt == 0:
		p.srtt, p.rttvar = rtt, rtt/2
	default:
		p.rttvar += ((p.srtt - rtt).Abs() - p.rttvar) / 4
		p.srtt += (rtt - p.srtt) / 8
	}
	p.backoff = 0
}

// transact exchanges s.req, whose key is the request-id of p, for s.buf.
func (c *Client) transact(ctx context.Context, p *PDU, s *scratch) (err error) {
	if slots := c.peer.slots; slots != nil {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	hooks := c.cfg.Hooks
	if hooks == nil && c.cfg.MaxTimeout == 0 {
		s.buf, err = c.conn.Exchange(ctx, uint32(p.RequestID), s.req, s.buf, c.cfg.Timeout, c.cfg.Retries)
		return err
	}
	var start time.Time
	if hooks != nil {
		start = c.cfg.Now()
		hooks.Request(p.Type, len(s.req))
	}
	if c.cfg.MaxTimeout == 0 {
		s.buf, err = c.conn.Exchange(ctx, uint32(p.RequestID), s.req, s.buf, c.cfg.Timeout, c.cfg.Retries)
	} else {
		err = c.attempts(ctx, p, s)
	}
	if hooks != nil {
		hooks.Answer(p.Type, len(s.buf), c.cfg.Now().Sub(start), err)
	}
	return err
}

// attempts makes the attempts of an exchange as the peer's pulse tells.
func (c *Client) attempts(ctx context.Context, p *PDU, s *scratch) (err error) {
	retries := c.cfg.Retries
	if retries == 0 {
		retries = 3
	}
	c.peer.mu.Lock()
	timeout := c.peer.pulse.timeout(c.cfg)
	if c.peer.pulse.silent >= maxSilent {
		retries = 0
	}
	c.peer.mu.Unlock()
	for n := 1; ; n++ {
		start := c.cfg.Now()
		s.buf, err = c.conn.Exchange(ctx, uint32(p.RequestID), s.req, s.buf, timeout, -1)
		if err == nil {
			rtt := c.cfg.Now().Sub(start)
			if n > 1 || rtt > timeout {
				rtt = 0
			}
			c.peer.mu.Lock()
			c.peer.pulse.answered(rtt)
			c.peer.mu.Unlock()
			return nil
		}
		if !isTimeout(err) || ctx.Err() != nil {
			return err
		}
		c.peer.mu.Lock()
		if pl := &c.peer.pulse; pl.timeout(c.cfg) <= timeout { // others may have noticed
			pl.backoff = min(pl.backoff+1, maxBackoff)
		}
		if n > retries {
			c.peer.pulse.silent = min(c.peer.pulse.silent+1, maxSilent)
		}
		c.peer.mu.Unlock()
		if n > retries {
			if n > 1 {
				err = fmt.Errorf("snmp: %d attempts: %w", n, err)
			}
			return err
		}
		timeout = min(2*timeout, c.cfg.MaxTimeout)
		if c.cfg.Hooks != nil {
			c.cfg.Hooks.Retry(p.Type, err)
		}
	}
}

// isTimeout reports whether err means that no answer came.
func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
