package role_test

import (
	"errors"
	"net"
	"testing"

	"github.com/pollux-snmp/pollux/internal/general"
	"github.com/pollux-snmp/pollux/role"
)

func TestErrorTree(t *testing.T) {
	tests := []struct {
		kind    error
		is, not []error
	}{
		{role.ErrBadArgument, []error{general.Err}, []error{role.ErrNetwork, role.ErrNoResponse}},
		{role.ErrNetwork, []error{general.Err}, []error{role.ErrBadArgument, role.ErrNoResponse}},
		{role.ErrNoResponse, []error{role.ErrNetwork, general.Err}, []error{role.ErrBadArgument, role.ErrNoRequest}},
		{role.ErrNoRequest, []error{role.ErrNetwork, general.Err}, []error{role.ErrBadArgument, role.ErrNoResponse}},
		{nil, []error{general.Err}, []error{role.ErrBadArgument, role.ErrNetwork}},
	}
	for _, tt := range tests {
		err := error(&role.Error{Op: "exchange", Kind: tt.kind})
		for _, target := range append(tt.is, tt.kind) {
			if target != nil && !errors.Is(err, target) {
				t.Errorf("errors.Is(%q, %v) = false, want true", err, target)
			}
		}
		for _, target := range tt.not {
			if errors.Is(err, target) {
				t.Errorf("errors.Is(%q, %v) = true, want false", err, target)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	tests := []struct {
		err  role.Error
		want string
	}{
		{role.Error{Op: "send", Addr: "udp:192.0.2.1:161", Kind: role.ErrNetwork, Err: net.ErrClosed},
			"role: send udp:192.0.2.1:161: network error: use of closed network connection"},
		{role.Error{Op: "exchange", Addr: "udp:192.0.2.1:161", Kind: role.ErrNoResponse, Attempts: 4},
			"role: exchange udp:192.0.2.1:161: no response after 4 attempts"},
		{role.Error{Op: "exchange", Kind: role.ErrNoResponse, Attempts: 1}, "role: exchange: no response after 1 attempt"},
		{role.Error{Op: "receive", Kind: role.ErrNoRequest}, "role: receive: no request"},
		{role.Error{Op: "exchange", Err: errors.New("cancelled by hand")}, "role: exchange: cancelled by hand"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %q, want %q", got, tt.want)
		}
		if want := tt.err.Kind == role.ErrNoResponse || tt.err.Kind == role.ErrNoRequest; tt.err.Timeout() != want {
			t.Errorf("%q: Timeout() = %v, want %v", tt.want, !want, want)
		}
	}
}
