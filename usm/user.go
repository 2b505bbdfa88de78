package usm

import (
	"crypto/subtle"
	"fmt"
	"sync"
	"sync/atomic"
)

// A User is a user as people configure one: valid for any engine, unless a Key
// is localised. It must not change once one of its methods was called.
type User struct {
	Name string // 1 to 32 octets

	// Auth and AuthKey authenticate. NoAuth and the zero Key: no
	// authentication.
	Auth    AuthProtocol
	AuthKey Key

	// Priv and PrivKey encrypt, which takes authentication too. A pass
	// phrase equal to that of AuthKey costs nothing more.
	Priv    PrivProtocol
	PrivKey Key
}

// Level returns the highest level that u can have.
func (u *User) Level() SecurityLevel {
	switch {
	case u.Auth == NoAuth:
		return NoAuthNoPriv
	case u.Priv == NoPriv:
		return AuthNoPriv
	}
	return AuthPriv
}

// Check reports what is wrong with u, as an error that wraps [ErrBadArgument],
// and makes the master keys of its pass phrases, so that later calls do not.
func (u *User) Check() error {
	if err := u.check(); err != nil {
		return err
	}
	if u.Auth != NoAuth && u.AuthKey.s.kind != localized {
		if _, err := u.AuthKey.Master(u.Auth); err != nil {
			return err
		}
	}
	if k := u.privKey(); u.Priv != NoPriv && k.s.kind != localized {
		if _, err := k.Master(u.Auth); err != nil {
			return err
		}
	}
	return nil
}

func (u *User) check() error {
	if n := len(u.Name); n == 0 || n > maxUserNameLen {
		return badArgument("user name has %d octets: it needs 1 to %d", n, maxUserNameLen)
	}
	var err error
	switch {
	case u.Auth == NoAuth && u.Priv != NoPriv:
		err = badArgument("privacy needs authentication: set an authentication protocol")
	case u.Auth != NoAuth:
		err = u.AuthKey.check(u.Auth, NoPriv)
	}
	if err == nil && u.Priv != NoPriv {
		err = u.PrivKey.check(u.Auth, u.Priv)
	}
	if err != nil {
		return &userError{u.Name, err}
	}
	return nil
}

// userError is a *failure and the user that it is about.
type userError struct {
	name string
	err  error
}

func (e *userError) Error() string {
	return (&failure{"user \"" + e.name + "\": " + e.err.(*failure).text, nil}).Error()
}
func (e *userError) Unwrap() error { return e.err }

// privKey returns the Key to make keys of: that of authentication if the pass
// phrases are equal, so that one derivation does for both.
func (u *User) privKey() Key {
	a, p := u.AuthKey.s, u.PrivKey.s
	if a != nil && p != nil && a.kind == passPhrase && p.kind == passPhrase && subtle.ConstantTimeCompare(*a.octets, *p.octets) == 1 {
		return u.AuthKey
	}
	return u.PrivKey
}

// Localize returns u as the engine knows it. EngineID has 1 to 32 octets; it is
// copied. It costs a few microseconds for authentication, after the first call
// with a pass phrase; the keys for privacy are made when the first message needs
// them. The error wraps [ErrBadArgument].
func (u *User) Localize(engineID []byte) (*LocalUser, error) {
	if err := u.check(); err != nil {
		return nil, err
	}
	l := &LocalUser{user: u, engineID: string(engineID)}
	if u.Auth == NoAuth {
		if len(engineID) == 0 || len(engineID) > maxEngineIDLen {
			return nil, badArgument("engine ID has %d octets: it needs 1 to 32", len(engineID))
		}
		return l, nil
	}
	k, err := u.AuthKey.Localize(u.Auth, NoPriv, engineID)
	if err != nil {
		return nil, err
	}
	l.mac = newMAC(u.Auth, *k.s.octets)
	if u.Priv != NoPriv {
		l.salt = &u.PrivKey.s.salt
		l.privacy = sync.OnceValues(func() (*privacy, error) {
			k, err := u.privKey().Localize(u.Auth, u.Priv, []byte(l.engineID))
			if err != nil {
				return nil, err
			}
			return newPrivacy(u.Priv, *k.s.octets)
		})
	}
	return l, nil
}

// A LocalUser is a user of one engine, with keys prepared for messages. It takes
// about a kilobyte.
type LocalUser struct {
	user     *User
	engineID string
	mac      *mac                     // nil without authentication
	privacy  func() (*privacy, error) // nil without privacy
	salt     *atomic.Uint64           // of the Key, so that all its LocalUsers count as one
}

// User returns the user that l was made of.
func (l *LocalUser) User() *User { return l.user }

// Format writes the user's name and the engine's ID, for every verb.
func (l *LocalUser) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "usm.LocalUser(%q at %v)", l.user.Name, l.EngineID())
}

// EngineID returns a copy of the engine's ID.
func (l *LocalUser) EngineID() EngineID { return EngineID(l.engineID) }
