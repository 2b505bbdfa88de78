package main

import "context"

// walkThisMachine starts an agent of this machine's own values, and walks it.
func (p *program) walkThisMachine(ctx context.Context) error {
	return nil
}
