//go:build linux && !portable

package role_test

// hasErrorQueue says whether the system tells an unconnected socket which of
// its messages was refused, and counts what it drops.
const hasErrorQueue = true
