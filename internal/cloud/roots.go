package cloud

// Certificate authorities for where the system has none, as in an image FROM
// scratch. Those of the system win.
import _ "golang.org/x/crypto/x509roots/fallback"
