import CLDAP
import Glibc

/// libldap as a whole: prepared once, before its first handle.
enum LDAPLibrary {
    static func prepare() { _ = prepared }

    private static let prepared: Void = {
        // Without this libldap reads ldap.conf, ~/.ldaprc, ./ldaprc and LDAP* variables, which could switch TLS checks off.
        setenv("LDAPNOINIT", "1", 1)
        // libldap writes without MSG_NOSIGNAL.
        signal(SIGPIPE, SIG_IGN)
        // The first call reads the options just mentioned and is not safe on two threads.
        var version: CInt = 0
        ldap_get_option(nil, LDAP_OPT_PROTOCOL_VERSION, &version)
    }()
}
