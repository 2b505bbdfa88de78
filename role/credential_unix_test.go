//go:build unix

package role_test

import "syscall"

// credential lets a command run as another user.
func credential(uid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}
