import CLDAP

/// The string form of distinguished names (RFC 4514).
enum DistinguishedName {
    /// A value as it is written inside a DN (section 2.4).
    static func escaped(_ value: String) -> String {
        var out = ""
        let scalars = Array(value.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\0":
                out += "\\00"
            case "\\", "\"", "+", ",", ";", "<", ">", "=":
                out += "\\"
                out.unicodeScalars.append(scalar)
            case "#" where index == 0, " " where index == 0 || index == scalars.count - 1:
                out += "\\"
                out.unicodeScalars.append(scalar)
            default:
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    static func isValid(_ text: String) -> Bool {
        guard !text.isEmpty, !text.utf8.contains(0) else { return false }
        LDAPLibrary.prepare()
        var parsed: LDAPDN?
        defer { if let parsed { ldap_dnfree(parsed) } }
        return ldap_str2dn(text, &parsed, UInt32(LDAP_DN_FORMAT_LDAPV3)) == LDAP_SUCCESS
    }
}
