//go:build unix

package mib

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe among the modules is not opened: that would last until somebody writes
// to it.
func TestLoadBesidePipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("pipe", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "smi"), []byte(smi), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Load(&Config{Dirs: []string{dir}, Modules: []string{"ALL"}, CacheDir: t.TempDir()})
	if _, ok := s.Node("enterprises"); err != nil || !ok {
		t.Errorf("Load() error = %v, enterprises is there: %v", err, ok)
	}
}
