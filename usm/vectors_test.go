package usm

import (
	"bytes"
	"testing"
)

// Our own vectors, for what the RFCs and drafts have none for: the keys of the
// pass phrase "maplesyrup" at the sample engine. The way they are made is that of
// Net-SNMP 5.9.3: keys that it stored for users of every hash and of every
// privacy protocol but 3DES, which it lacks, were compared and equal.
func TestVectors(t *testing.T) {
	type ext struct {
		priv PrivProtocol
		key  string
	}
	tests := []struct {
		auth    AuthProtocol
		ku, kul string
		macLen  int
		ext     []ext
	}{
		{MD5, "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b", 12, []ext{
			{DES, "526f5eed9fcce26f8964c2930787d82b"},
			{AES128, "526f5eed9fcce26f8964c2930787d82b"},
			{AES192, "526f5eed9fcce26f8964c2930787d82bfa24a92467426c2f"},
			{AES192C, "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0"},
			{AES256, "526f5eed9fcce26f8964c2930787d82bfa24a92467426c2f4b09192be10dfaec"},
			{AES256C, "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"},
			{TripleDES, "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"},
		}},
		{SHA, "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f", 12, []ext{
			{DES, "6695febc9288e36282235fc7151f1284"},
			{AES128, "6695febc9288e36282235fc7151f1284"},
			{AES192, "6695febc9288e36282235fc7151f128497b38f3f505e07eb"},
			{AES192C, "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78"},
			{AES256, "6695febc9288e36282235fc7151f128497b38f3f505e07eb9af25568fa1f5dbe"},
			{AES256C, "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c"},
			{TripleDES, "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c"},
		}},
		{SHA224, "282a5867ee9aac639ad59df9572c7d3ac0fbc13a905b6df07dbbf00b", "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be682075674", 16, []ext{
			{AES192, "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be6"},
			{AES256, "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be682075674e82d9bf0"},
			{AES256C, "0bd8827c6e29f8065e08e09237f177e410f69b90e1782be68207567422c34be4"},
		}},
		{SHA256, "ab51014d1e077f6017df2b12bee5f5aa72993177e9bb569c4dff5a4ca0b4afac", "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b", 24, []ext{
			{AES128, "8982e0e549e866db361a6b625d84cccc"},
			{AES256, "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b"},
			{AES256C, "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b"},
		}},
		{SHA384, "e06eccdf2c68a06ed034723c9c26e0db3b669e1e2efed49150b55377a2e98f383c86fb836857444654b287c93f51ff64", "3b298f16164a11184279d5432bf169e2d2a48307de02b3d3f7e2b4f36eb6f0455a53689a3937eea07319a633d2ccba78", 32, []ext{
			{AES192, "3b298f16164a11184279d5432bf169e2d2a48307de02b3d3"},
		}},
		{SHA512, "7e4396de5aadc77be853819b98c9406265b3a9c37cc3176569847a4e4f6fba63dd3a73d04924d31a63f95a601f9385af6be4ed1b37f87d040f7c6ed6f8d38a91", "22a5a36cedfcc085807a128d7bc6c2382167ad6c0dbc5fdff856740f3d84c099ad1ea87a8db096714d9788bd544047c9021e4229ce27e4c0a69250adfcffbb0b", 48, []ext{
			{AES256, "22a5a36cedfcc085807a128d7bc6c2382167ad6c0dbc5fdff856740f3d84c099"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.auth.String(), func(t *testing.T) {
			k := PassPhrase("maplesyrup")
			ku, err := k.Master(tt.auth)
			if want := unhex(t, tt.ku); err != nil || !bytes.Equal(ku.Octets(), want) {
				t.Errorf("Master = %x, %v, want %x", ku.Octets(), err, want)
			}
			if got := tt.auth.MACLen(); got != tt.macLen {
				t.Errorf("MACLen() = %d, want %d", got, tt.macLen)
			}
			if got := len(unhex(t, tt.ku)); got != tt.auth.KeyLen() {
				t.Errorf("KeyLen() = %d, want %d", tt.auth.KeyLen(), got)
			}
			for _, e := range append(tt.ext, ext{NoPriv, tt.kul}) {
				want := unhex(t, e.key)
				for _, k := range []Key{k, ku, LocalizedKey(unhex(t, tt.kul)), LocalizedKey(want)} {
					got, err := k.Localize(tt.auth, e.priv, unhex(t, sampleEngineID))
					if err != nil || !bytes.Equal(got.Octets(), want) {
						t.Errorf("Localize of a %v for %v = %x, %v, want %x", k.s.kind, e.priv, got.Octets(), err, want)
					}
				}
			}
		})
	}
}
