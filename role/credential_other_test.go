//go:build !unix

package role_test

import "syscall"

func credential(uint32) *syscall.SysProcAttr { return nil }
