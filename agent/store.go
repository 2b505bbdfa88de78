package agent

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pollux-snmp/pollux/usm"
)

// A Store keeps what outlives an agent, as text of some kilobytes, in the form
// of Net-SNMP's persistent files. It holds keys. An agent calls it from one
// goroutine at a time.
type Store interface {
	// Load returns what was saved last, or nothing if there is none.
	Load() ([]byte, error)

	// Save replaces what was saved. When it returns, data must be safe from
	// a crash; if a crash comes before, either the old or the new is kept.
	Save(data []byte) error
}

// FileStore returns the Store in the file of that path. Its directory is made if
// need be; nobody else may read either.
func FileStore(path string) Store { return fileStore(path) }

type fileStore string

func (s fileStore) Load() ([]byte, error) {
	b, err := os.ReadFile(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save writes another file and puts it in the place of the old one. That a crash
// leaves is written over the next time.
func (s fileStore) Save(data []byte) (err error) {
	dir := filepath.Dir(string(s))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(string(s)+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), string(s)); err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil { // a system may not sync directories
		d.Sync()
		d.Close()
	}
	return nil
}

const maxBoots = 1<<31 - 1

// saved is the content of a Store.
type saved struct {
	engineID usm.EngineID
	boots    uint32
	lines    map[string][]string // other lines by their first word, without it
}

func parseSaved(data []byte) (*saved, error) {
	s := &saved{lines: make(map[string][]string)}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	bad := func(line int, what string) error {
		return fmt.Errorf("agent: line %d of what was saved: %s: %w", line, what, ErrStore)
	}
	for n := 1; sc.Scan(); n++ {
		word, rest, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		rest = strings.TrimSpace(rest)
		switch {
		case word == "" || word[0] == '#':
		case word == "engineBoots":
			v, err := strconv.ParseUint(rest, 10, 31)
			if err != nil {
				return nil, bad(n, "engineBoots is not a number from 0 to 2147483647")
			}
			s.boots = max(s.boots, uint32(v))
		case word == "oldEngineID":
			id, err := usm.ParseEngineID(rest)
			if err != nil {
				return nil, bad(n, err.Error())
			}
			s.engineID = id
		default:
			s.lines[word] = append(s.lines[word], rest)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("agent: what was saved: %w: %w", err, ErrStore)
	}
	// Boots must never go back, so what is damaged is not taken for new.
	if len(bytes.TrimSpace(data)) > 0 && (s.boots == 0 || s.engineID == nil) {
		return nil, fmt.Errorf("agent: what was saved lacks engineBoots or oldEngineID: %w", ErrStore)
	}
	return s, nil
}

// startEngine settles the engine's ID and boots.
func (a *Agent) startEngine() (*saved, error) {
	eng := &a.engine
	eng.id = a.cfg.EngineID
	if eng.id != nil && !eng.id.Valid() {
		return nil, fmt.Errorf("agent: engine ID %v: want 5 to 32 octets, not all 00 and not all ff: %w", eng.id, ErrBadArgument)
	}
	old := &saved{}
	if a.cfg.Store != nil {
		data, err := a.cfg.Store.Load()
		if err == nil {
			old, err = parseSaved(data)
		} else {
			err = fmt.Errorf("agent: load: %w: %w", err, ErrStore)
		}
		if err != nil {
			return nil, err
		}
	}
	if eng.id == nil {
		eng.id = old.engineID
	}
	if eng.id == nil {
		eng.id = usm.NewEngineID()
	}
	eng.clock = usm.Clock{Boots: 1, Start: a.start}
	switch {
	case a.cfg.Store == nil && a.cfg.EngineID != nil:
		// Nobody knows how often this engine was started, but the time of
		// day does not go back either: one boot a second since 2020.
		eng.clock.Boots = uint32(min(max(a.start.Unix()-1577836800, 1), maxBoots))
	case bytes.Equal(old.engineID, eng.id):
		eng.clock.Boots = min(old.boots+1, maxBoots)
	}
	return old, nil
}

// number returns the number in the last line that begins with word, or 0.
func (s *saved) number(word string) int32 {
	lines := s.lines[word]
	if len(lines) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(lines[len(lines)-1], 10, 32)
	return int32(n)
}

// quote writes a string as Net-SNMP's files have it: in quotes if it is plain
// text, and else in hexadecimal.
func quote(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return fmt.Sprintf("0x%x", s)
		}
	}
	return `"` + s + `"`
}

// words takes a line apart: words, quoted strings, and hexadecimal octets.
func words(line string) (all []string, err error) {
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] == '"' {
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("agent: what was saved: a quote without an end: %w", ErrStore)
			}
			all = append(all, line[1:1+end])
			line = line[2+end:]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		line = rest
		if digits, ok := strings.CutPrefix(word, "0x"); ok {
			b, err := hex.DecodeString(digits)
			if err != nil {
				return nil, fmt.Errorf("agent: what was saved: octets that are not hexadecimal: %w", ErrStore)
			}
			word = string(b)
		}
		all = append(all, word)
	}
	return all, nil
}

// save saves everything that SNMP has changed.
func (a *Agent) save() error {
	if a.cfg.Store == nil {
		return nil
	}
	a.saving.Lock()
	defer a.saving.Unlock()
	var b bytes.Buffer
	fmt.Fprintf(&b, "engineBoots %d\noldEngineID %v\n", a.engine.clock.Boots, a.engine.id)
	a.appendSaved(&b)
	if err := a.cfg.Store.Save(b.Bytes()); err != nil {
		return fmt.Errorf("agent: save: %w: %w", err, ErrStore)
	}
	return nil
}
