package usm_test

import (
	"errors"
	"fmt"

	"github.com/pollux-snmp/pollux/usm"
)

// One User does for all devices that share its pass phrases; each device's
// engine has a LocalUser.
func ExampleUser_Localize() {
	user := &usm.User{
		Name: "bob",
		Auth: usm.SHA256, AuthKey: usm.PassPhrase("authpass1"),
		Priv: usm.AES128, PrivKey: usm.PassPhrase("privpass1"),
	}
	engineID, err := usm.ParseEngineID("0x80001f8805010203")
	if err != nil {
		fmt.Println(err)
		return
	}
	bob, err := user.Localize(engineID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bob, user.Level(), user.AuthKey)

	// A message is encrypted first and signed last; all in place.
	const boots, time = 1, 1000
	salt := bob.NextSalt(boots)
	msg := append(make([]byte, bob.MACLen()), "a scoped PDU"...)
	msg, err = bob.Encrypt(msg[:bob.MACLen()], msg[bob.MACLen():], boots, time, salt)
	if err == nil {
		err = bob.Sign(msg, 0)
	}
	fmt.Println(len(msg), err)

	// The other side verifies first.
	if err := bob.Verify(msg, 0, bob.MACLen()); err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := bob.Decrypt(nil, msg[bob.MACLen():], boots, time, salt[:])
	fmt.Printf("%s %v\n", plaintext, err)

	msg[30] ^= 1
	err = bob.Verify(msg, 0, bob.MACLen())
	fmt.Println(errors.Is(err, usm.ErrWrongDigest))
	// Output:
	// usm.LocalUser("bob" at 0x80001f8805010203) authPriv usm.Key(redacted)
	// 36 <nil>
	// a scoped PDU <nil>
	// true
}
