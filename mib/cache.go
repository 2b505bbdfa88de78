package mib

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	cacheSuffix = ".mibset"
	cacheCount  = 4 // sets that are kept
)

// cacheKey returns a name for what cfg reads: a hash of its options and of the
// content of all files that it may read. Base counts, too.
func (l *loader) cacheKey() string {
	files := l.files[l.ownFiles:]
	sums := make([][sha256.Size]byte, len(files))
	l.parallel(len(files), func(i int) {
		// The text is not kept: with a set in the cache, nobody needs it.
		r, err := l.open(files[i])
		if err != nil {
			return
		}
		defer r.Close()
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		sum := sha256.New()
		if _, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, *buf); err == nil {
			sum.Sum(sums[i][:0])
		}
	})
	h := sha256.New()
	c := l.cfg
	fmt.Fprintf(h, "%q %q %d %v %v %v %v\n", magic, c.Modules, c.Level, c.Underscores, c.CommentToEOL, c.FactsOnly, c.Replace)
	if c.Base != nil {
		sum := sha256.Sum256([]byte(c.Base.data))
		h.Write(sum[:])
	}
	for i, f := range files {
		fmt.Fprintf(h, "%q %x\n", l.fileName(f), sums[i])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// cached returns the set that a cache holds under a key.
func (l *loader) cached(key string) *Set {
	data, err := os.ReadFile(filepath.Join(l.cfg.CacheDir, key+cacheSuffix))
	if err != nil || len(data) < sha256.Size {
		return nil
	}
	sum, data := data[:sha256.Size], data[sha256.Size:]
	if got := sha256.Sum256(data); string(got[:]) != string(sum) {
		return nil
	}
	s, err := FromBinary(string(data))
	if err != nil {
		return nil
	}
	s.srcs = l.sources
	return s
}

// cache puts a set into the cache. A cache that cannot be written is none.
func (l *loader) cache(key string, s *Set) {
	dir := l.cfg.CacheDir
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new-*"+cacheSuffix)
	if err != nil {
		return
	}
	sum := sha256.Sum256([]byte(s.data))
	_, err = f.Write(append(sum[:], s.data...))
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, key+cacheSuffix))
	}
	if err != nil {
		os.Remove(f.Name())
		return
	}
	l.prune(dir)
}

// prune removes all but the newest sets from a cache.
func (l *loader) prune(dir string) {
	entries, _ := os.ReadDir(dir)
	type old struct {
		name string
		time int64
	}
	var list []old
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), cacheSuffix) {
			list = append(list, old{e.Name(), fi.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(list, func(a, b old) int { return int(min(max(b.time-a.time, -1), 1)) })
	for i, e := range list {
		if i >= cacheCount {
			os.Remove(filepath.Join(dir, e.name))
		}
	}
}
