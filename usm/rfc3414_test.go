package usm

import (
	"bytes"
	"testing"
)

// The engine of all samples of RFC 3414, appendix A.
const sampleEngineID = "000000000000000000000002"

// RFC 3414, A.3.1 and A.3.2: password to key and localisation; and the keys of
// "newsyrup" from A.5.
func TestRFC3414PassPhraseToKey(t *testing.T) {
	tests := []struct {
		auth    AuthProtocol
		pass    string
		ku, kul string // ku may be unknown
	}{
		{MD5, "maplesyrup", "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"},
		{SHA, "maplesyrup", "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"},
		{MD5, "newsyrup", "", "87021d7bd9d101ba05ea6e3bf9d9bd4a"},
		{SHA, "newsyrup", "", "78e2dcce79d59403b58c1bbaa5bff46391f1cd25"},
	}
	for _, tt := range tests {
		k := PassPhrase(tt.pass)
		ku, err := k.Master(tt.auth)
		if want := unhex(t, tt.ku); err != nil || tt.ku != "" && !bytes.Equal(ku.Octets(), want) {
			t.Errorf("%v: Master(%q) = %x, %v, want %x", tt.auth, tt.pass, ku.Octets(), err, want)
		}
		for _, k := range []Key{k, ku} {
			kul, err := k.Localize(tt.auth, NoPriv, unhex(t, sampleEngineID))
			if want := unhex(t, tt.kul); err != nil || !bytes.Equal(kul.Octets(), want) {
				t.Errorf("%v: Localize(%q) = %x, %v, want %x", tt.auth, tt.pass, kul.Octets(), err, want)
			}
		}
	}
}

// RFC 3414, A.5.1 and A.5.2: from "maplesyrup" to "newsyrup" with a random
// component of zeros. The privacy key of A.5.2 is the first 16 octets of a
// localised key.
func TestRFC3414KeyChange(t *testing.T) {
	tests := []struct {
		name             string
		auth             AuthProtocol
		old, new, change string // change without the random component
	}{
		{"MD5", MD5, "526f5eed9fcce26f8964c2930787d82b", "87021d7bd9d101ba05ea6e3bf9d9bd4a", "8805615141676cc9196174e742a32551"},
		{"SHA", SHA, "6695febc9288e36282235fc7151f128497b38f3f", "78e2dcce79d59403b58c1bbaa5bff46391f1cd25", "9c1017f4fd483d2de8d5fadbf84392cb06457051"},
		{"SHA with DES", SHA, "6695febc9288e36282235fc7151f1284", "78e2dcce79d59403b58c1bbaa5bff463", "7ef8d8a4c9cdb26b47591cd852ff88b5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			delta, random := unhex(t, tt.new), make([]byte, len(tt.old)/2)
			keyChange(tt.auth, unhex(t, tt.old), random, delta)
			if want := unhex(t, tt.change); !bytes.Equal(delta, want) {
				t.Errorf("keyChange = %x, want %x", delta, want)
			}
			got, err := LocalizedKey(unhex(t, tt.old)).ApplyChange(tt.auth, append(random, unhex(t, tt.change)...))
			if want := unhex(t, tt.new); err != nil || !bytes.Equal(got.Octets(), want) {
				t.Errorf("ApplyChange = %x, %v, want %x", got.Octets(), err, want)
			}
		})
	}
}
