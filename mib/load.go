package mib

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A Level says how much a module may break the rules of the SMI.
type Level uint8

const (
	// Permissive keeps whatever can be read of a module: at an error, it goes
	// on with the next definition.
	Permissive Level = iota
	// Normal keeps what Net-SNMP keeps. A module with an error that Net-SNMP
	// gives up at is left out.
	Normal
	// Strict is Normal, and Load returns an error if any module has one.
	Strict
)

// A Config says what [Load] reads.
type Config struct {
	// Dirs are directories with module files, not searched in depth. If several
	// files hold a module of one name, the last one in the last directory wins.
	// One that does not exist is no error.
	Dirs []string

	// FS are file systems whose top directories are searched after Dirs.
	FS []fs.FS

	// Modules names what is read: the names of modules, which are looked for in
	// Dirs and FS, paths of files (they contain a slash), or "ALL". What these
	// import is read too, and nothing else.
	Modules []string

	// Base is a set whose nodes and modules are there from the start, or nil.
	// What a file says about a node replaces what Base says.
	Base *Set

	// Level is how much is forgiven; by default, all that can be.
	Level Level

	// Underscores lets labels contain "_" on levels other than Permissive,
	// which always does (Net-SNMP: mibAllowUnderline, -Pu).
	Underscores bool

	// CommentToEOL makes comments last until their line ends, even if "--"
	// comes before (Net-SNMP: commentToEOL, -Pc).
	CommentToEOL bool

	// CacheDir is a directory in which Load keeps the set of Modules "ALL" under
	// a hash of the content of all files, so that the next Load need not parse
	// them. The set from there has no diagnostics. By default nothing is kept.
	CacheDir string

	// FactsOnly leaves out descriptions, references and where things are defined.
	FactsOnly bool

	// Replace lets the last definition of a node win, not the first (Net-SNMP:
	// mibReplaceWithLatest, -PR).
	Replace bool
}

// maxFileLen is the size in bytes above which a file is not read.
const maxFileLen = 64 << 20

// maxDiagnostics bounds what is kept of the problems of one file.
const maxDiagnostics = 500

// A source is a directory with module files.
type source struct {
	fsys   fs.FS
	prefix string // of names in diagnostics: "dir/", or "" for Config.FS
}

// A file is a file with modules.
type file struct {
	index  int32
	source int32 // index into loader.sources, or -1 if name is a path
	name   string
	opened sync.Once // guards src and err
	src    string
	err    error
	mu     sync.Mutex // guards toks and parsed
	toks   []token
	parsed bool // the loader is done with toks
	diags  int
	lines  []uint32 // offsets of the starts of lines, once they are needed
}

// A module is a module that was seen, read or not.
type module struct {
	name    string
	file    *file
	state   int8 // unread, reading (or read), read with imports of its own
	base    bool // known from Config.Base
	list    []importedName
	imports map[string]int32
}

const (
	unread = iota
	readOnce
)

type importedName struct {
	label string
	mod   int32
	tok   token
}

// A textualConvention is a named type.
type textualConvention struct {
	name   string
	base   string // the type that it is made of, if that is named
	mod    int32
	typ    kind
	hint   string
	enums  []Enum
	ranges []Range
	syntax uint32 // of a type of Config.Base, its record there plus one
}

type tcKey struct {
	mod  int32
	name string
}

// An unknownType is the name of a type that was not known where d has it.
type unknownType struct {
	d    *def
	name string
	f    *file
	tok  token
}

// A loader reads modules one after the other, in the order in which Net-SNMP
// does, because what a module's names mean may depend on what was read before.
// Only the cutting of files into tokens is done in parallel.
type loader struct {
	cfg      *Config
	tolerant bool
	sources  []source
	files    []*file
	ownFiles int // the number of files of Config.Base, which come first
	modules  []*module
	byName   map[string]int32
	others   map[string]*file // of modules, wherever they are in their files

	tcs     []textualConvention
	tcIndex map[tcKey]int32
	tcAny   map[string]int32
	structs map[tcKey]bool
	unknown []unknownType

	spare sync.Pool     // *[]token
	ahead chan struct{} // one for each file that may be prefetched

	tree      *tree
	orphans   []*def
	anonymous int
	diags     []Diagnostic
	depth     int

	// Buffers that parsers share.
	slab    []def
	oidBuf  []subID
	one     []*def
	enumBuf []Enum
	textBuf []byte
}

// Load reads modules and returns the set of all that they define. Problems with
// the modules are no errors, except on level [Strict]; see [Set.Diagnostics].
// An error means that a file or a module that cfg names is not there: it wraps
// [ErrNotFound] or the file's error, and the set holds the rest.
func Load(cfg *Config) (*Set, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	l := &loader{
		cfg:      cfg,
		tolerant: cfg.Level == Permissive,
		byName:   make(map[string]int32),
		oidBuf:   make([]subID, 0, 32),
		tcIndex:  make(map[tcKey]int32),
		tcAny:    make(map[string]int32),
		structs:  make(map[tcKey]bool),
	}
	if cfg.Base != nil {
		l.importModules(cfg.Base)
	}
	l.ownFiles = len(l.files)
	all := slices.ContainsFunc(cfg.Modules, isAll)
	l.list()
	key := ""
	if all && cfg.CacheDir != "" && cfg.Level != Strict {
		key = l.cacheKey()
		if s := l.cached(key); s != nil {
			return s, nil
		}
	}
	l.scan(all)
	size := 256
	if all {
		size = min(100*len(l.modules), 1<<17)
	}
	if cfg.Base != nil {
		l.tree = treeOf(cfg.Base)
	} else {
		l.tree = newTree(size)
	}
	l.tree.replace = cfg.Replace
	if all {
		stop := l.prefetch()
		defer stop()
	}
	var errs []error
	for _, name := range cfg.Modules {
		switch {
		case isAll(name):
			for id := len(l.modules) - 1; id >= 0; id-- {
				if m := l.modules[id]; m.state == unread {
					l.readModule(m.name)
				}
			}
		case strings.ContainsAny(name, `/\`):
			if err := l.readFile(name); err != nil {
				errs = append(errs, err)
			}
		case name == "":
		case l.readModule(name) == moduleNotFound && !l.readReplacement(name):
			errs = append(errs, &loadError{name, "no file of the MIB directories has it", ErrNotFound})
		}
	}
	l.adopt()
	l.resolveUnknown()
	for _, x := range l.tree.doubts {
		l.report(l.files[x.d.file-1], token{off: x.d.at, end: x.d.at + uint32(len(x.d.label))}, Warning, x.msg)
	}
	s := l.build()
	if key != "" && len(errs) == 0 {
		l.cache(key, s)
	}
	if cfg.Level == Strict {
		for _, d := range s.diags {
			if d.Severity == Error {
				errs = append(errs, &loadError{d.File, d.String(), ErrSyntax})
				break
			}
		}
	}
	return s, errors.Join(errs...)
}

func isAll(name string) bool { return strings.EqualFold(name, "ALL") }

// list finds the files of the directories.
func (l *loader) list() {
	for _, dir := range l.cfg.Dirs {
		l.sources = append(l.sources, source{os.DirFS(dir), strings.TrimSuffix(dir, "/") + "/"})
	}
	for _, fsys := range l.cfg.FS {
		l.sources = append(l.sources, source{fsys, ""})
	}
	for i, src := range l.sources {
		entries, err := fs.ReadDir(src.fsys, ".")
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := e.Name()
			if name[0] == '.' || name[0] == '#' || strings.HasSuffix(name, "#") || strings.HasSuffix(name, "~") {
				continue
			}
			mode := e.Type()
			if mode&fs.ModeSymlink != 0 {
				if fi, err := fs.Stat(src.fsys, name); err == nil {
					mode = fi.Mode()
				}
			}
			if !mode.IsRegular() { // a pipe would block whoever opens it
				continue
			}
			l.addFile(int32(i), name)
		}
	}
}

// scan finds out which module lies in which file. With whole, files are read to
// their end, because all of them will be needed.
func (l *loader) scan(whole bool) {
	files := l.files[l.ownFiles:]
	names := make([]string, len(files))
	l.parallel(len(files), func(i int) { names[i] = l.headOf(files[i], whole) })
	for i, name := range names {
		if name == "" {
			continue
		}
		if id, ok := l.byName[name]; ok {
			l.modules[id].file = files[i]
			l.modules[id].state = unread
			continue
		}
		l.addModule(name, files[i])
		l.modules[len(l.modules)-1].state = unread
	}
}

func (l *loader) parallel(n int, do func(int)) {
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}

func (l *loader) addFile(source int32, name string) *file {
	f := &file{index: int32(len(l.files)), source: source, name: name}
	l.files = append(l.files, f)
	return f
}

func (l *loader) fileName(f *file) string {
	if f.source < 0 {
		return f.name
	}
	return l.sources[f.source].prefix + f.name
}

// buffers are what files are read into.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 256<<10)
	return &b
}}

// headLen is how much of a file is read to learn the name of its module.
const headLen = 2048

// headOf returns the name of the first module in a file, or "" if there is none.
func (l *loader) headOf(f *file, whole bool) string {
	if whole {
		if l.read(f) != nil {
			return ""
		}
		name, _ := l.head(f.src[:min(headLen, len(f.src))])
		if name == "" {
			name, _ = l.head(f.src)
		}
		return name
	}
	r, err := l.open(f)
	if err != nil {
		return ""
	}
	defer r.Close()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	n, err := io.ReadFull(r, (*buf)[:headLen])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return ""
	}
	name, sure := l.head(string((*buf)[:n]))
	if !sure && n == headLen {
		if l.read(f) != nil {
			return ""
		}
		name, _ = l.head(f.src)
	}
	return name
}

// head returns the name of the module that starts a text, and whether more text
// would not change that.
func (l *loader) head(src string) (name string, sure bool) {
	lx := l.lexer(src)
	first := lx.next()
	second := lx.next()
	if second.kind == kEOF || int(second.end) == len(src) {
		return "", false
	}
	if first.kind == kLabel && second.kind == kDefinitions {
		return cut(src[first.off:first.end]), true
	}
	if !l.tolerant {
		return "", true
	}
	// Look for a module after whatever comes first.
	for range 4096 {
		word := src[second.off:second.end]
		if first.kind == kLabel && (second.kind == kDefinitions || word == "PIB-DEFINITIONS") {
			return cut(src[first.off:first.end]), true
		}
		if first.kind == kLabel && second.kind == kLeftBrace {
			for second.kind != kRightBrace && second.kind != kEOF {
				second = lx.next()
			}
			if second.kind == kRightBrace {
				if second = lx.next(); second.kind == kDefinitions {
					return cut(src[first.off:first.end]), true
				}
			}
		}
		if second.kind == kEOF {
			return "", false
		}
		first, second = second, lx.next()
	}
	return "", true
}

func cut(label string) string { return label[:min(len(label), maxLabelLen)] }

func (l *loader) lexer(src string) lexer {
	return lexer{src: src, underscore: l.tolerant || l.cfg.Underscores, toEOL: l.cfg.CommentToEOL}
}

func (l *loader) open(f *file) (io.ReadCloser, error) {
	if f.source < 0 {
		return os.Open(f.name)
	}
	return l.sources[f.source].fsys.Open(f.name)
}

// load reads a file and cuts it into tokens. Several goroutines may call it.
func (l *loader) load(f *file) error {
	if err := l.read(f); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.toks == nil {
		lx := l.lexer(f.src)
		room, _ := l.spare.Get().(*[]token)
		if room != nil {
			lx.room = *room
		}
		f.toks = lx.lex()
	}
	return nil
}

// done gives the tokens of a file back.
func (l *loader) done(f *file) {
	f.mu.Lock()
	toks := f.toks
	f.toks, f.parsed = nil, true
	f.mu.Unlock()
	l.spare.Put(&toks)
	select {
	case l.ahead <- struct{}{}:
	default:
	}
}

// read reads a file. Several goroutines may call it.
func (l *loader) read(f *file) error {
	f.opened.Do(func() {
		r, err := l.open(f)
		if err != nil {
			f.err = err
			return
		}
		defer r.Close()
		size := int64(headLen)
		if s, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
			fi, err := s.Stat()
			switch {
			case err != nil:
				f.err = err
				return
			case !fi.Mode().IsRegular():
				f.err = &loadError{f.name, "not a regular file", ErrNotFound}
				return
			case fi.Size() <= maxFileLen:
				size = fi.Size()
			}
		}
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		n := 0
		for err == nil && n <= maxFileLen {
			if need := max(int(size)+1, n+1); need > len(*buf) {
				*buf = append(*buf, make([]byte, max(need, 2*len(*buf))-len(*buf))...)
			}
			var k int
			k, err = r.Read((*buf)[n:])
			n += k
		}
		switch {
		case err != nil && err != io.EOF:
			f.err = err
		case n > maxFileLen:
			f.err = &loadError{f.name, "the file has more than 64 MB", ErrSyntax}
		default:
			f.src = string((*buf)[:n])
			if l.tolerant {
				f.src = strings.TrimPrefix(f.src, "\ufeff")
			}
		}
	})
	return f.err
}

// prefetch loads the files of all modules in the background, in the order in
// which they will be needed. The function that it returns waits for the end.
func (l *loader) prefetch() (stop func()) {
	var wg sync.WaitGroup
	l.ahead = make(chan struct{}, len(l.modules)+maxAhead)
	for range maxAhead {
		l.ahead <- struct{}{}
	}
	next := make(chan *file, len(l.modules))
	for _, m := range slices.Backward(l.modules) {
		if m.file != nil && m.state == unread {
			next <- m.file
		}
	}
	close(next)
	for range max(1, runtime.GOMAXPROCS(0)-1) { // one processor parses
		wg.Go(func() {
			for f := range next {
				if _, ok := <-l.ahead; !ok {
					return
				}
				f.mu.Lock()
				parsed := f.parsed
				f.mu.Unlock()
				if !parsed {
					l.load(f) // whoever needs the file sees the error
				}
			}
		})
	}
	return func() {
		close(l.ahead)
		wg.Wait()
	}
}

// maxAhead is how many files are cut into tokens before they are needed. What
// was parsed gives its memory to the next ones.
const maxAhead = 32

// The results of reading a module.
const (
	moduleNotFound = iota
	moduleLoaded
	moduleKnown
)

func (l *loader) moduleID(name string) int32 {
	if id, ok := l.byName[name]; ok {
		return id
	}
	return -1
}

func (l *loader) moduleName(id int32) string {
	if id < 0 || int(id) >= len(l.modules) {
		return ""
	}
	return l.modules[id].name
}

func (l *loader) addModule(name string, f *file) int32 {
	id := int32(len(l.modules))
	l.modules = append(l.modules, &module{name: strings.Clone(name), file: f, state: readOnce})
	l.byName[l.modules[id].name] = id
	return id
}

// maxImportDepth bounds chains of modules that import each other.
const maxImportDepth = 1000

// readModule reads a module unless it was read before.
func (l *loader) readModule(name string) int {
	id, ok := l.byName[name]
	if !ok && l.tolerant {
		id, ok = l.searchModule(name)
	}
	if !ok {
		return moduleNotFound
	}
	m := l.modules[id]
	if m.state != unread || l.depth >= maxImportDepth {
		return moduleKnown
	}
	f := m.file
	if err := l.load(f); err != nil {
		l.diags = append(l.diags, Diagnostic{File: l.fileName(f), Severity: Error, Message: "cannot be read: " + errText(err)})
		return moduleNotFound
	}
	m.state = readOnce
	l.depth++
	p := parser{l: l, f: f, toks: f.toks, mod: id, tolerant: l.tolerant}
	p.parse()
	l.depth--
	l.done(f)
	return moduleLoaded
}

func errText(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// readFile reads a file that is named by its path.
func (l *loader) readFile(name string) error {
	f := l.addFile(-1, filepath.FromSlash(name))
	if err := l.load(f); err != nil {
		return err
	}
	module := ""
	switch {
	case l.tolerant:
		module, _ = l.head(f.src)
	case f.toks[0].kind == kLabel:
		module = cut(f.src[f.toks[0].off:f.toks[0].end])
	}
	if module == "" {
		return &loadError{name, "the file has no module", ErrSyntax}
	}
	if id := l.moduleID(module); id >= 0 {
		m := l.modules[id]
		if m.base && m.file == nil { // or it has been read already, as an import
			m.state = unread
		}
		m.file = f
	} else {
		l.addModule(module, f)
		l.modules[len(l.modules)-1].state = unread
	}
	l.readModule(module)
	return nil
}

// searchModule looks for a module that is not the first of its file.
func (l *loader) searchModule(name string) (int32, bool) {
	if l.others == nil {
		files := l.files[l.ownFiles:]
		names := make([][]string, len(files))
		l.parallel(len(files), func(i int) {
			if l.read(files[i]) == nil {
				names[i] = modulesIn(files[i].src)
			}
		})
		l.others = make(map[string]*file)
		for i, list := range names {
			for _, x := range list {
				l.others[x] = files[i]
			}
		}
	}
	f := l.others[name]
	if f == nil {
		return 0, false
	}
	id := l.addModule(name, f)
	l.modules[id].state = unread
	return id, true
}

// modulesIn returns the words before each "DEFINITIONS" of a text.
func modulesIn(src string) (names []string) {
	const word = "DEFINITIONS"
	for i := 0; ; {
		n := strings.Index(src[i:], word)
		if n < 0 {
			return names
		}
		i += n
		end := i
		for end > 0 && class[src[end-1]]&cSpace != 0 {
			end--
		}
		start := end
		for start > 0 && (class[src[start-1]]&cLabel != 0 || src[start-1] == '_') {
			start--
		}
		if start < end && end < i {
			names = append(names, src[start:end])
		}
		i += len(word)
	}
}

// A replacement names the module that has the names of an older one.
type replacement struct {
	old, new string
	tag      string // the name, or the start of the names if prefix is set
	prefix   bool
}

var replacements = []replacement{
	{"RFC1065-SMI", "RFC1155-SMI", "", false},
	{"RFC1066-MIB", "RFC1156-MIB", "", false},
	{"RFC1156-MIB", "RFC1158-MIB", "", false},
	{"RFC1158-MIB", "RFC1213-MIB", "", false},
	{"RFC1155-SMI", "SNMPv2-SMI", "", false},
	{"RFC1213-MIB", "SNMPv2-SMI", "mib-2", false},
	{"RFC1213-MIB", "SNMPv2-MIB", "sys", true},
	{"RFC1213-MIB", "IF-MIB", "if", true},
	{"RFC1213-MIB", "IP-MIB", "ip", true},
	{"RFC1213-MIB", "IP-MIB", "icmp", true},
	{"RFC1213-MIB", "TCP-MIB", "tcp", true},
	{"RFC1213-MIB", "UDP-MIB", "udp", true},
	{"RFC1213-MIB", "SNMPv2-SMI", "transmission", false},
	{"RFC1213-MIB", "SNMPv2-MIB", "snmp", true},
	{"RFC1231-MIB", "TOKENRING-MIB", "", false},
	{"RFC1271-MIB", "RMON-MIB", "", false},
	{"RFC1286-MIB", "SOURCE-ROUTING-MIB", "dot1dSr", true},
	{"RFC1286-MIB", "BRIDGE-MIB", "", false},
	{"RFC1315-MIB", "FRAME-RELAY-DTE-MIB", "", false},
	{"RFC1316-MIB", "CHARACTER-MIB", "", false},
	{"RFC1406-MIB", "DS1-MIB", "", false},
	{"RFC-1213", "RFC1213-MIB", "", false},
}

// readReplacement reads the module that stands for one that is not there.
func (l *loader) readReplacement(name string) bool {
	for _, r := range replacements {
		if r.old == name {
			if l.readModule(r.new) == moduleNotFound {
				l.readReplacement(r.new)
			}
			return true
		}
	}
	return false
}

// replaceImport finds another module for an imported name.
func (l *loader) replaceImport(from string, name *importedName) bool {
	for _, r := range replacements {
		if r.old != from {
			continue
		}
		if r.tag == "" || !r.prefix && r.tag == name.label || r.prefix && strings.HasPrefix(name.label, r.tag) {
			if l.readModule(r.new) == moduleNotFound {
				l.readReplacement(r.new)
			}
			name.mod = l.moduleID(r.new)
			return true
		}
	}
	return l.readReplacement(from)
}

func (l *loader) setImports(mod int32, list []importedName, f *file) {
	if mod < 0 {
		return
	}
	m := l.modules[mod]
	m.list = list
	m.imports = make(map[string]int32, len(list))
	for _, x := range list {
		if _, ok := m.imports[x.label]; !ok {
			m.imports[x.label] = x.mod
		}
	}
}

// tcOf returns the index of the textual convention that name means in a module,
// or -1.
func (l *loader) tcOf(mod int32, name string) int32 {
	if mod >= 0 {
		if from, ok := l.modules[mod].imports[name]; ok {
			mod = from
		}
	}
	if mod < 0 {
		if i, ok := l.tcAny[name]; ok {
			return i
		}
		return -1
	}
	if i, ok := l.tcIndex[tcKey{mod, name}]; ok {
		return i
	}
	return -1
}

// typeOf returns the base type that name means in a module, or kLabel.
func (l *loader) typeOf(mod int32, name string) kind {
	if i := l.tcOf(mod, name); i >= 0 {
		return l.tcs[i].typ
	}
	return kLabel
}

// apply gives d the type of a name. It returns the base type, or kLabel.
func (l *loader) apply(d *def, mod int32, name string, tolerant bool) kind {
	i := l.tcOf(mod, name)
	if i < 0 {
		return kLabel
	}
	tc := &l.tcs[i]
	if tc.syntax != 0 && tc.enums == nil && tc.ranges == nil {
		tc.enums, tc.ranges = l.cfg.Base.limits(tc.syntax - 1)
	}
	d.tc, d.enums, d.ranges, d.hint = i, tc.enums, tc.ranges, tc.hint
	return tc.typ
}

func (l *loader) addTC(tc textualConvention) {
	i := int32(len(l.tcs))
	l.tcs = append(l.tcs, tc)
	k := tcKey{tc.mod, tc.name}
	if _, ok := l.tcIndex[k]; !ok {
		l.tcIndex[k] = i
	}
	if _, ok := l.tcAny[tc.name]; !ok {
		l.tcAny[tc.name] = i
	}
}

func (l *loader) addStruct(mod int32, name string) { l.structs[tcKey{mod, name}] = true }

// linkModule puts what a module defines into the tree. First come the children
// of what it imports, then those of the roots; what is left waits for the end.
func (l *loader) linkModule(mod int32, defs []*def, tolerant bool) {
	m := l.modules[mod]
	l.tree.wait(defs)
	if len(m.list) == 0 {
		for i := range l.tree.roots {
			l.tree.attach(l.tree.roots[len(l.tree.roots)-1-i])
		}
	}
	for _, x := range m.list {
		if l.tcOf(x.mod, x.label) >= 0 {
			continue
		}
		if n := l.tree.find(x.label, x.mod); n != none {
			l.tree.attach(n)
		} else if !l.structs[tcKey{x.mod, x.label}] && x.mod >= 0 && l.modules[x.mod].state != unread {
			l.report(m.file, x.tok, Warning, "module "+l.modules[x.mod].name+" does not define this")
		}
	}
	for _, r := range l.tree.roots {
		l.tree.attach(r)
	}
	if l.tree.waiting > 0 {
		for _, d := range defs {
			if !d.placed {
				l.orphans = append(l.orphans, d)
			}
		}
	}
}

// adopt puts definitions whose parent was not imported below any node of the
// parent's name.
func (l *loader) adopt() {
	if len(l.orphans) == 0 {
		return
	}
	l.tree.wait(l.orphans)
	for _, d := range slices.Backward(l.orphans) {
		if l.tree.pending[d.parent] == nil {
			continue
		}
		if n := l.tree.find(d.parent, -1); n != none {
			l.tree.attach(n)
		}
	}
	for _, d := range l.orphans {
		if !d.placed && !isAnon(d.label) {
			l.report(l.modules[d.mod].file, token{off: d.at, end: d.at + uint32(len(d.label))}, Error,
				"the parent "+d.parent+" is not known")
		}
	}
}

// resolveUnknown looks for types that were not known where they were used: those
// that come later, and those that should have been imported.
func (l *loader) resolveUnknown() {
	for _, u := range l.unknown {
		if l.structs[tcKey{u.d.mod, u.name}] {
			continue
		}
		if l.tolerant {
			own := *u.d
			k := l.apply(u.d, u.d.mod, u.name, true)
			if k == kLabel {
				k = l.apply(u.d, -1, u.name, true)
			}
			if k != kLabel {
				u.d.typ = k
				if own.enums != nil {
					u.d.enums = own.enums
				}
				if own.ranges != nil {
					u.d.ranges = own.ranges
				}
			}
		}
		sev := Error
		if u.d.typ != kLabel {
			sev = Warning
		}
		l.report(u.f, u.tok, sev, "the type is not imported")
	}
}

// report notes a problem at a token.
func (l *loader) report(f *file, t token, sev Severity, msg string) {
	if f.diags++; f.diags > maxDiagnostics {
		return
	}
	line, col := f.position(t.off)
	text := f.src[min(int(t.off), len(f.src)):min(int(t.end), len(f.src))]
	l.diags = append(l.diags, Diagnostic{
		File: l.fileName(f), Line: line, Column: col,
		Text: strings.ToValidUTF8(strings.Clone(text[:min(len(text), 60)]), "?"), Severity: sev, Message: msg,
	})
}

// position returns the line and the column of an offset, both from 1. Columns
// count octets.
func (f *file) position(off uint32) (line, col int) {
	if f.lines == nil {
		f.lines = []uint32{0}
		for i := 0; ; {
			n := strings.IndexByte(f.src[i:], '\n')
			if n < 0 {
				break
			}
			i += n + 1
			f.lines = append(f.lines, uint32(i))
		}
	}
	i, ok := slices.BinarySearch(f.lines, off)
	if !ok {
		i--
	}
	return i + 1, int(off-f.lines[i]) + 1
}

// loadError says what is wrong with a file or a module.
type loadError struct {
	name, msg string
	kind      error
}

func (e *loadError) Error() string { return fmt.Sprintf("mib: %s: %s", e.name, e.msg) }
func (e *loadError) Unwrap() error { return e.kind }

// A Severity says how bad a problem is.
type Severity uint8

const (
	Warning Severity = iota // the module breaks a rule, and nothing is lost
	Error                   // a definition, or a part of one, is lost
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// A Diagnostic is a problem in a module's file.
type Diagnostic struct {
	File     string
	Line     int // from 1, or 0 if the whole file is meant
	Column   int // from 1, in octets
	Text     string
	Severity Severity
	Message  string
}

// String returns the form that compilers use: file:line:column: severity: message.
func (d Diagnostic) String() string {
	s := path.Clean(d.File)
	if d.Line > 0 {
		s += fmt.Sprintf(":%d:%d", d.Line, d.Column)
	}
	s += ": " + d.Severity.String() + ": " + d.Message
	if d.Text != "" {
		s += fmt.Sprintf(" (%q)", d.Text)
	}
	return s
}

func sortDiagnostics(list []Diagnostic) {
	slices.SortStableFunc(list, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
