//go:build !linux || portable

package role_test

const hasErrorQueue = false
