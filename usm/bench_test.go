package usm

import "testing"

// Run with: go test -bench . -count 10 ./usm | benchstat -

// BenchmarkPasswordToKey makes both keys of a user from two pass phrases, and
// localises and prepares them, as the first message of a program does.
func BenchmarkPasswordToKey(b *testing.B) {
	id := unhex(b, sampleEngineID)
	for _, a := range authProtocols {
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u := &User{Name: "bob", Auth: a, AuthKey: PassPhrase("authpass1"), Priv: AES128, PrivKey: PassPhrase("privpass1")}
				l, err := u.Localize(id)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := l.privacy(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLocalize is what one more engine costs a user who was used before:
// for authentication, and for both.
func BenchmarkLocalize(b *testing.B) {
	id := unhex(b, sampleEngineID)
	for _, p := range []PrivProtocol{NoPriv, AES128, AES256C} {
		u := localUser(b, SHA, p).User()
		b.Run(u.Level().String()+"-"+p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l, _ := u.Localize(id)
				if l.privacy != nil {
					l.privacy()
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, a := range authProtocols {
		l, msg := localUser(b, a, NoPriv), sample(150)
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Sign(msg, 40)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range authProtocols {
		l, msg := localUser(b, a, NoPriv), sample(150)
		l.Sign(msg, 40)
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Verify(msg, 40, l.MACLen()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncrypt(b *testing.B) {
	for _, p := range privProtocols {
		l, buf := localUser(b, SHA, p), sample(80)
		b.Run(p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Encrypt(buf[:0], buf, 1, 2, l.NextSalt(1))
			}
		})
	}
}

func BenchmarkDecrypt(b *testing.B) {
	for _, p := range privProtocols {
		l, buf, salt := localUser(b, SHA, p), sample(80), make([]byte, 8)
		b.Run(p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Decrypt(buf[:0], buf, 1, 2, salt)
			}
		})
	}
}

func BenchmarkSecurityParameters(b *testing.B) {
	p := SecurityParameters{EngineID: sample(17), Boots: 7, Time: 100000, UserName: []byte("bob"), MAC: sample(24), Salt: sample(8)}
	ber, _ := p.AppendBER(nil)
	buf := make([]byte, 0, 200)
	b.Run("FromBER", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			SecurityParametersFromBER(ber)
		}
	})
	b.Run("AppendBER", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.AppendBER(buf)
		}
	})
}
