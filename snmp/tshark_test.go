package snmp

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollux-snmp/pollux/usm"
)

// writePcap writes msgs as UDP datagrams between two agents' ports on loopback.
func writePcap(t *testing.T, msgs [][]byte) (file string) {
	le, be := binary.LittleEndian, binary.BigEndian
	var b []byte
	b = le.AppendUint32(b, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	b = le.AppendUint32(b, 101) // raw IP
	for i, msg := range msgs {
		n := 28 + len(msg)
		b = le.AppendUint32(b, uint32(i))
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, uint32(n))
		b = le.AppendUint32(b, uint32(n))
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(n))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		b = be.AppendUint16(b, 161)
		b = be.AppendUint16(b, 161)
		b = be.AppendUint16(b, uint16(8+len(msg)))
		b = append(b, 0, 0)
		b = append(b, msg...)
	}
	file = filepath.Join(t.TempDir(), "snmp.pcap")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// tshark authenticates, decrypts and reads what Seal makes.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip(err)
	}
	// Names that tshark has for the protocols; it extends keys in Reeder's
	// way and has no 3DES.
	auths := map[usm.AuthProtocol]string{usm.MD5: "MD5", usm.SHA: "SHA1", usm.SHA224: "SHA2-224", usm.SHA256: "SHA2-256", usm.SHA384: "SHA2-384", usm.SHA512: "SHA2-512"}
	privs := map[usm.PrivProtocol]string{usm.NoPriv: "DES", usm.DES: "DES", usm.AES128: "AES", usm.AES192C: "AES192", usm.AES256C: "AES256"}
	var (
		users []*usm.User
		msgs  [][]byte
		args  []string
	)
	protocolPairs(func(a usm.AuthProtocol, p usm.PrivProtocol) {
		if auths[a] == "" || privs[p] == "" {
			return
		}
		u := testUser(a, p)
		users = append(users, u)
		m := v3Message(3, u.Level())
		m.MsgID = int32(1000 + len(msgs))
		msgs = append(msgs, seal(t, m, localize(t, u, testEngineID), 7, 1000))
		args = append(args, "-o", fmt.Sprintf(`uat:snmp_users:%x,"%s","%s","authpass1","%s","privpass1"`, []byte(testEngineID), u.Name, auths[a], privs[p]))
	})
	args = append(args, "-r", writePcap(t, msgs), "-O", "snmp", "-V")
	cmd := exec.Command(tshark, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	frames := strings.Split(string(out), "\nFrame ")
	if len(frames) != len(users) {
		t.Fatalf("tshark shows %d frames, want %d:\n%.3000s", len(frames), len(users), out)
	}
	for i, u := range users {
		for _, want := range []string{fmt.Sprint("msgID: ", 1000+i), "msgUserName: " + u.Name, "contextName: context", "1.3.6.1.2.1.2.2.1.1.10101: 401237926", "request-id: 305419896"} {
			if !strings.Contains(frames[i], want) {
				t.Errorf("%s: tshark does not show %q:\n%s", u.Name, want, frames[i])
				break
			}
		}
		if strings.Contains(frames[i], "Malformed") || strings.Contains(frames[i], "Authentication: Failed") || !strings.Contains(frames[i], "Authentication: OK") {
			t.Errorf("%s: tshark does not authenticate it:\n%s", u.Name, frames[i])
		}
	}
}
