package usm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("hex %q: %v", s, err)
	}
	return b
}

func TestSecurityParametersFromBER(t *testing.T) {
	const (
		id32  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		mac48 = id32 + "000102030405060708090a0b0c0d0e0f"
	)
	tests := []struct {
		name    string
		in      string
		want    SecurityParameters
		again   string // AppendBER of the result, if other than in
		wantErr string
	}{
		{name: "discovery", in: "300e 0400 020100 020100 0400 0400 0400", want: SecurityParameters{MACOffset: 14}},
		{name: "authPriv", in: "302b 0405 8000000001 020107 02020100 0403 626f62 040c 000000000000000000000000 0408 0102030405060708",
			want: SecurityParameters{EngineID: unhex(t, "8000000001"), Boots: 7, Time: 256, UserName: []byte("bob"), MAC: make([]byte, 12), Salt: unhex(t, "0102030405060708"), MACOffset: 23}},
		{name: "greatest", in: "30818c 0420" + id32 + "02047fffffff 02047fffffff 0420" + id32 + "0430" + mac48 + "0408 0102030405060708",
			want: SecurityParameters{EngineID: unhex(t, id32), Boots: maxTime, Time: maxTime, UserName: unhex(t, id32), MAC: unhex(t, mac48), Salt: unhex(t, "0102030405060708"), MACOffset: 85}},
		{name: "overlong lengths and integers", in: "3082001b 048100 0205000000007f 020200ff 048200 0162 0400 04840000 0000",
			want: SecurityParameters{Boots: 127, Time: 255, UserName: []byte("b"), MACOffset: 25}, again: "3010 0400 02017f 020200ff 040162 0400 0400"},

		{name: "empty", in: "", wantErr: "octet 0: want security parameters, got the end"},
		{name: "not a sequence", in: "0400", wantErr: "octet 0: want security parameters (tag 30), got tag 04"},
		{name: "indefinite", in: "3080 0400", wantErr: "octet 0: want the length of security parameters, got 80"},
		{name: "too long a length", in: "3085 0000000001 04", wantErr: "want the length of security parameters, got 85"},
		{name: "lying length", in: "3084ffffffff 04", wantErr: "octet 0: want security parameters of at most 7 octets"},
		{name: "truncated", in: "3005 0406 800000", wantErr: "octet 2: want engine ID of 6 octets, got 3 before the end"},
		{name: "one octet short", in: "3004 0403 8000", wantErr: "octet 2: want engine ID of 3 octets, got 2 before the end"},
		{name: "a length alone", in: "3003 0400 04", wantErr: "octet 4: want engine boots, got the end"},
		{name: "half a length", in: "308200", wantErr: "octet 0: want the length of security parameters, got 82"},
		{name: "engine ID too long", in: "3023 0421" + id32 + "20", wantErr: "octet 2: want engine ID of at most 32 octets, got 33"},
		{name: "negative boots", in: "300e 0400 0201ff 020100 0400 0400 0400", wantErr: "engine boots from 0 to 2147483647, got ff"},
		{name: "time of 32 bits", in: "3012 0400 020100 020500 80000000 0400 0400 0400", wantErr: "engine time from 0 to 2147483647, got 0080000000"},
		{name: "empty integer", in: "300d 0400 0200 020100 0400 0400 0400", wantErr: "engine boots from 0"},
		{name: "endless integer", in: "301e 0400 0211 0000000000000000000000000000000001 020100 0400 0400 0400", wantErr: "engine boots of at most 16 octets, got 17"},
		{name: "trailing octets inside", in: "300f 0400 020100 020100 0400 0400 0400 00", wantErr: "octet 16: want the end of the security parameters, got 1 more octets"},
		{name: "trailing octets outside", in: "300e 0400 020100 020100 0400 0400 0400 05", wantErr: "the end of the security parameters"},
		{name: "salt too long", in: "3017 0400 020100 020100 0400 0400 0409 000000000000000000", wantErr: "privacy parameters of at most 8 octets, got 9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := unhex(t, tt.in)
			got, err := SecurityParametersFromBER(in)
			if tt.wantErr != "" {
				if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("SecurityParametersFromBER(%x) error = %v, want ErrSyntax with %q", in, err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatalf("SecurityParametersFromBER(%x) error = %v", in, err)
			}
			if !equalParameters(got, tt.want) || got.MACOffset != tt.want.MACOffset {
				t.Errorf("SecurityParametersFromBER(%x) = %+v, want %+v", in, got, tt.want)
			}
			if tt.again != "" {
				in = unhex(t, tt.again)
			}
			if b, macOff := got.AppendBER([]byte{1}); !bytes.Equal(b[1:], in) || tt.again == "" && macOff != got.MACOffset+1 {
				t.Errorf("AppendBER = %x, %d, want %x, %d", b[1:], macOff, in, got.MACOffset+1)
			}
		})
	}
}

func equalParameters(a, b SecurityParameters) bool {
	return bytes.Equal(a.EngineID, b.EngineID) && a.Boots == b.Boots && a.Time == b.Time && bytes.Equal(a.UserName, b.UserName) &&
		bytes.Equal(a.MAC, b.MAC) && bytes.Equal(a.Salt, b.Salt)
}

// FuzzSecurityParameters checks that each error is ErrSyntax, that what is
// accepted is within its bounds, and that encoding it and decoding it again
// changes nothing.
func FuzzSecurityParameters(f *testing.F) {
	for _, s := range []string{
		"300e0400020100020100040004000400",
		"302b04058000000001020107020201000403626f62040c00000000000000000000000004080102030405060708",
		"3082001b0481000205000000007f020200ff0482000162040004840000 0000",
		"3084ffffffff04", "3080", "",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := SecurityParametersFromBER(in)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("SecurityParametersFromBER(%x) error = %v, want ErrSyntax", in, err)
			}
			return
		}
		if len(p.EngineID) > maxEngineIDLen || p.Boots > maxTime || p.Time > maxTime || len(p.UserName) > maxUserNameLen || len(p.MAC) > maxMACLen || len(p.Salt) > saltLen {
			t.Errorf("SecurityParametersFromBER(%x) = %+v, out of bounds", in, p)
		}
		if !bytes.Equal(in[p.MACOffset:p.MACOffset+len(p.MAC)], p.MAC) {
			t.Errorf("SecurityParametersFromBER(%x): MACOffset = %d, where the MAC is not", in, p.MACOffset)
		}
		b, macOff := p.AppendBER(nil)
		q, err := SecurityParametersFromBER(b)
		if err != nil || !equalParameters(p, q) || q.MACOffset != macOff {
			t.Errorf("SecurityParametersFromBER(%x) = %+v, which encodes to %x, which is %+v, %v", in, p, b, q, err)
		}
	})
}
