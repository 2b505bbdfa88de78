package agent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollux-snmp/pollux/snmp"
	"github.com/pollux-snmp/pollux/usm"
)

// A Config holds the settings of an agent. A nil *Config means all defaults,
// with which nobody may do anything. It must not be changed after it is passed.
type Config struct {
	// EngineID names the engine. The default is the one in Store, or a new
	// one.
	EngineID usm.EngineID

	// Store keeps the engine's ID and boots and the tables that SNMP has
	// changed. Without one, they do not outlive the agent, and the default
	// of EngineID is always a new one.
	Store Store

	// Who there is, and what they may do. Users and tables can be changed by
	// SNMP, if that is granted.
	Communities []Community
	Users       []User
	Members     []Member
	Access      []Access
	Views       []View

	System System

	// AuthTraps is the first value of snmpEnableAuthenTraps: whether an
	// authenticationFailure is sent. SNMP can change it.
	AuthTraps bool

	// Targets get notifications. Dial returns the connection to an address,
	// for each message; package role has them. Without Dial none are sent.
	Targets []Target
	Dial    func(ctx context.Context, address string) (snmp.Conn, error)

	// Timeout is what the handlers have for one request. The default is 1 s.
	Timeout time.Duration

	// MaxSize is the greatest length of a message in octets. The default,
	// and the most, is 65507, what fits in a UDP datagram; the least is 484.
	MaxSize int

	// MaxBulk is the greatest number of bindings in the answer to a GETBULK,
	// but one of each that it asks for is given. The default is 100.
	MaxBulk int

	// OnError is told why an answer became a genErr, and of what could not be
	// saved. It may be nil.
	OnError func(err error)

	// OnAuthFailure is told of messages whose community, user or key was
	// wrong, besides the notification that is sent. It may be nil.
	OnAuthFailure func(src netip.AddrPort)

	// Now replaces time.Now.
	Now func() time.Time
}

// A Community is a password in the clear that stands for a security name.
type Community struct {
	Name   string
	Source netip.Prefix // from where it is taken; the zero Prefix is anywhere

	// Context is the context that requests are in.
	Context string

	// SecurityName is the name for Members. The default is Name.
	SecurityName string

	// Grant is access without Members, Access and Views. It may be nil.
	Grant *Grant
}

// A community is a Community with its strings as octets.
type community struct {
	Community
	name    []byte // SecurityName
	context []byte
}

// A User is a user of SNMPv3.
type User struct {
	usm.User

	// Grant is access without Members, Access and Views. It may be nil. The
	// default of its Level is that of the User.
	Grant *Grant
}

// System holds the first values of the system group (RFC 3418). Contact, Name
// and Location can be set by SNMP, and are kept in the Store.
type System struct {
	Descr    string
	ObjectID snmp.OID
	Contact  string
	Name     string
	Location string
	Services int32
}

const (
	minMaxSize     = 484 // RFC 3417, section 3.2.1
	defaultMaxSize = 65507
	defaultMaxBulk = 100
	defaultTimeout = time.Second
)

// An Agent answers requests. Its methods may be called from any number of
// goroutines.
type Agent struct {
	cfg   Config
	start time.Time
	now   func() time.Time

	mounting sync.Mutex
	contexts atomic.Pointer[map[string]*tree]

	communities atomic.Pointer[map[string][]*community]
	acl         atomic.Pointer[acl]
	setting     chan struct{} // full while a request sets values

	requests, calls sync.Pool
	stats           stats

	engine engine
	own    own
	saving sync.Mutex

	notifier notifier
}

// New returns an agent. Cfg may be nil. The error wraps [ErrBadArgument], or is
// that of the Store.
func New(cfg *Config) (*Agent, error) {
	a := &Agent{setting: make(chan struct{}, 1)}
	if cfg != nil {
		a.cfg = *cfg
	}
	c := &a.cfg
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxSize <= 0 || c.MaxSize > defaultMaxSize {
		c.MaxSize = defaultMaxSize
	}
	c.MaxSize = max(c.MaxSize, minMaxSize)
	if c.MaxBulk <= 0 {
		c.MaxBulk = defaultMaxBulk
	}
	a.now = c.Now
	if a.now == nil {
		a.now = time.Now
	}
	a.start = a.now()
	a.requests.New = func() any { return &request{a: a} }
	a.calls.New = func() any { return newCall() }
	a.contexts.Store(&map[string]*tree{"": {}})

	t := tables{slices.Clone(c.Members), slices.Clone(c.Access), slices.Clone(c.Views)}
	communities := make(map[string][]*community)
	for i := range c.Communities {
		com := c.Communities[i]
		if com.SecurityName == "" {
			com.SecurityName = com.Name
		}
		if g := com.Grant; g != nil {
			com.SecurityName = fmt.Sprint("comm", i+1)
			g := *g
			g.Context, g.Prefix = com.Context, false
			for _, model := range []SecurityModel{V1Model, V2cModel} {
				t.grant(&g, model, com.SecurityName, fmt.Sprint("grpcomm", i+1, "v", model), g.Level)
			}
		}
		full := &community{com, []byte(com.SecurityName), []byte(com.Context)}
		communities[com.Name] = append(communities[com.Name], full)
		a.own.communities = append(a.own.communities, full)
	}
	a.communities.Store(&communities)
	for i := range c.Users {
		u := &c.Users[i]
		if g := u.Grant; g != nil {
			level := g.Level
			if level == 0 {
				level = u.Level()
			}
			t.grant(g, USMModel, u.Name, fmt.Sprint("grpuser", i+1), level)
		}
	}
	old, err := a.startEngine()
	if err != nil {
		return nil, err
	}
	if err := a.makeTables(&t, old); err != nil {
		return nil, err
	}
	a.install(old)
	return a, a.save()
}

// Handle puts h at root in the default context: it answers for all names that
// begin so, but for those of handlers below it. A handler that was there before
// is replaced; nil takes it away.
func (a *Agent) Handle(root snmp.OID, h Handler) { a.HandleContext("", root, h) }

// HandleContext is Handle in the context of that name.
func (a *Agent) HandleContext(context string, root snmp.OID, h Handler) {
	if root.IsZero() {
		panic("agent: Handle with the zero OID")
	}
	m := &mount{oid: root, root: enc(root), handler: h}
	if src, ok := h.(source); ok {
		m.src = src
	} else {
		m.src = &foreign{h}
	}
	a.mounting.Lock()
	defer a.mounting.Unlock()
	old := *a.contexts.Load()
	contexts := make(map[string]*tree, len(old)+1)
	for name, t := range old {
		contexts[name] = t
	}
	t := contexts[context]
	if t == nil {
		t = &tree{}
	}
	if contexts[context] = t.with(m); len(contexts[context].mounts) == 0 && context != "" {
		delete(contexts, context)
	}
	a.contexts.Store(&contexts)
}

// UpTime returns the time since New, in hundredths of a second: sysUpTime, and
// what objects of the convention TimeStamp hold (RFC 2579).
func (a *Agent) UpTime() uint32 {
	return uint32(a.now().Sub(a.start) / (10 * time.Millisecond))
}

// Respond answers a request: it appends the answer to dst and returns that, or
// returns nil if there is to be none. Src is where the request came from and
// local where it came to; both may be the zero AddrPort. Handlers get a context
// made from ctx. Respond keeps no part of dst or req.
func (a *Agent) Respond(ctx context.Context, dst, req []byte, src, local netip.AddrPort) []byte {
	r := a.requests.Get().(*request)
	r.parent, r.msg, r.src = ctx, req, src
	out := r.respond(dst)
	r.release()
	return out
}
