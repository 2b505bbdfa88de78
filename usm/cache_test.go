package usm

import (
	"fmt"
	"testing"
)

func TestCache(t *testing.T) {
	var (
		c    = Cache{Max: 3}
		u, v = &User{Name: "u"}, &User{Name: "v"}
		id   = func(i int) []byte { return fmt.Appendf(nil, "engine%d", i) }
		get  = func(u *User, i int) *LocalUser {
			t.Helper()
			l, err := c.Localize(u, id(i))
			if err != nil {
				t.Fatalf("Localize(%s, %d) error = %v", u.Name, i, err)
			}
			return l
		}
	)
	if first := get(u, 0); first == get(u, 0) || len(c.byKey) != 0 {
		t.Error("Localize keeps a LocalUser that authenticated nothing")
	}
	kept := make([]*LocalUser, 3)
	for i := range kept {
		kept[i] = get(u, i)
		c.Keep(kept[i])
		c.Keep(kept[i])
	}
	if get(u, 0) != kept[0] {
		t.Error("Localize makes again what was kept")
	}
	if get(v, 0).User() != v {
		t.Error("Localize mixes up two users of one engine")
	}
	c.Keep(get(v, 0)) // u with engine 1 is now the one unused for longest
	for i, want := range []bool{true, false, true} {
		if got := get(u, i) == kept[i]; got != want {
			t.Errorf("engine %d is in the cache: %v, want %v", i, got, want)
		}
	}
	for i := range 100 {
		c.Keep(get(v, i))
	}
	if len(c.byKey) != 3 || c.order.Len() != 3 {
		t.Errorf("the cache has %d entries and %d in order, want 3", len(c.byKey), c.order.Len())
	}
	if _, err := c.Localize(u, nil); err == nil {
		t.Error("Localize of an empty engine ID succeeds")
	}
}
