/// The keys of a directory section.
package enum DirectorySettings {
    static let all = [
        AnySetting(servers), AnySetting(tls), AnySetting(ca), AnySetting(bindDN), AnySetting(passwordFile),
        AnySetting(base), AnySetting(scope), AnySetting(filter), AnySetting(userTemplate), AnySetting(connectTimeout),
        AnySetting(operationTimeout), AnySetting(loginTimeout), AnySetting(connections),
    ]

    static let servers = Setting(
        "servers", default: [], example: ["ldaps://ldap1.example.org", "ldaps://ldap2.example.org"],
        "The servers of the directory, asked in this order; the next one takes over when one fails.")

    static let tls = Setting(
        "tls", default: DirectorySection.TLS.starttls, reload: false, example: "ldaps",
        """
        How the connection is encrypted: ldaps for servers written ldaps://, starttls for ldap://. \
        If it is absent, it follows from the servers. none is allowed only to a server on a loopback address.
        """, kind: .enumeration)

    static let ca = Setting(
        "ca", example: "certs/directory-ca.pem",
        "PEM file with the authorities that sign the servers' certificates. Without it those the system trusts.")

    static let bindDN = Setting(
        "bind-dn", example: "cn=martlet,ou=services,dc=example,dc=org",
        "The account that searches for people; without it the search is anonymous.")

    static let passwordFile = Setting(
        "password-file", example: "directory.password",
        "File with the password of that account in its first line, readable by the server alone.")

    static let base = Setting(
        "base", example: "ou=people,dc=example,dc=org", "Where people are found.")

    static let scope = Setting(
        "scope", default: DirectorySection.Scope.subtree,
        "How far below the base: the entry itself, its children, or all below.")

    package static let filter = Setting(
        "filter", default: "(uid=$user)",
        """
        Which entry belongs to an account; $user is the part of the address before the @. \
        For Active Directory: "(&(objectClass=user)(sAMAccountName=$user))".
        """)

    static let userTemplate = Setting(
        "user-template", example: "uid=$user,ou=people,dc=example,dc=org",
        """
        The name under which a person's password is checked, if it can be told without a search. \
        For Active Directory: $user@corp.example.org.
        """)

    package static let connectTimeout = Setting(
        "connect-timeout", default: .seconds(2), in: .seconds(1)...(.seconds(60)),
        "How long connecting to a server, encryption included, may take.")

    package static let operationTimeout = Setting(
        "operation-timeout", default: .seconds(3), in: .seconds(1)...(.seconds(60)),
        "How long one search or one check of a password may take before the next server is asked.")

    package static let loginTimeout = Setting(
        "login-timeout", default: .seconds(8), in: .seconds(1)...(.seconds(60)),
        "How long a log-in may take altogether; after it the client is told to try again later.")

    package static let connections = Setting(
        "connections", default: 4, in: 1...64, "How many connections to each server check passwords.")
}
