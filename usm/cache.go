package usm

import (
	"container/list"
	"sync"
)

const defaultCacheMax = 4096

// A Cache keeps LocalUsers for those who meet many engines, such as a receiver
// of notifications. The zero value is ready. It may be used from any number of
// goroutines at once, and must not be copied.
type Cache struct {
	// Max is the greatest number of LocalUsers kept, of about a kilobyte
	// each; 0 means 4096. The one unused for longest goes first.
	Max int

	mu    sync.Mutex
	byKey map[cacheKey]*list.Element // of *LocalUser
	order list.List                  // the most recently used in front
}

type cacheKey struct {
	user     *User
	engineID string
}

// Localize is [User.Localize], or the LocalUser that was kept. It keeps nothing:
// call [Cache.Keep] once a message was verified, or strangers would fill the
// cache.
func (c *Cache) Localize(u *User, engineID []byte) (*LocalUser, error) {
	c.mu.Lock()
	e := c.byKey[cacheKey{u, string(engineID)}]
	if e != nil {
		c.order.MoveToFront(e)
	}
	c.mu.Unlock()
	if e != nil {
		return e.Value.(*LocalUser), nil
	}
	return u.Localize(engineID)
}

// Keep keeps l, which has authenticated a message.
func (c *Cache) Keep(l *LocalUser) {
	key := cacheKey{l.user, l.engineID}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.order.MoveToFront(e)
		return
	}
	if c.byKey == nil {
		c.byKey = make(map[cacheKey]*list.Element)
	}
	c.byKey[key] = c.order.PushFront(l)
	limit := c.Max
	if limit <= 0 {
		limit = defaultCacheMax
	}
	for len(c.byKey) > limit {
		l := c.order.Remove(c.order.Back()).(*LocalUser)
		delete(c.byKey, cacheKey{l.user, l.engineID})
	}
}
