/// The keys of a directory section and of the sections in it.
package enum DirectorySettings {
    static let all = [
        AnySetting(servers), AnySetting(tls), AnySetting(ca), AnySetting(bindDN), AnySetting(passwordFile),
        AnySetting(base), AnySetting(scope), AnySetting(filter), AnySetting(userTemplate),
    ]

    static let timeouts = [
        AnySetting(connectTimeout), AnySetting(tlsTimeout), AnySetting(operationTimeout), AnySetting(loginTimeout),
        AnySetting(idleCheck), AnySetting(renewal),
    ]

    static let limits = [
        AnySetting(bindConnections), AnySetting(logins), AnySetting(rememberedNames), AnySetting(rememberExisting),
        AnySetting(rememberUnknown), AnySetting(messageSize),
    ]

    static let servers = Setting(
        "servers", default: [], example: ["ldaps://ldap1.example.org", "ldaps://ldap2.example.org"],
        "The servers of the directory, asked in this order; the next one takes over when one fails.")

    static let tls = Setting(
        "tls", default: DirectorySection.TLS.starttls, reload: false, example: "ldaps",
        """
        How the connection is encrypted: ldaps for servers written ldaps://, starttls for ldap://. If it is absent, \
        it follows from the servers. none is allowed only to a server on a loopback address.
        """, kind: .enumeration)

    static let ca = Setting(
        "ca", example: "certs/directory-ca.pem",
        "PEM file with the authorities that sign the servers' certificates. Without it those the system trusts.")

    static let bindDN = Setting(
        "bind-dn", example: "cn=martlet,ou=services,dc=example,dc=org",
        "The account that searches for people; without it the search is anonymous.")

    static let passwordFile = Setting(
        "password-file", example: "directory.password",
        "File that holds the password of that account and nothing else, readable by the server alone.")

    static let base = Setting(
        "base", example: "ou=people,dc=example,dc=org", "Where people are found.")

    static let scope = Setting(
        "scope", default: DirectorySection.Scope.subtree,
        "How far below the base: the entry itself, its children, or all below.")

    package static let filter = Setting(
        "filter", default: "(&(objectClass=person)(uid={user}))",
        """
        Which entry belongs to an account; {user} is the part of the address before the @. For Active Directory: \
        "(&(objectClass=user)(sAMAccountName={user}))".
        """)

    static let userTemplate = Setting(
        "user-template", example: "uid={user},ou=people,dc=example,dc=org",
        """
        The name with which a person's password is checked, if it can be told without a search. For Active \
        Directory: "{user}@corp.example.org".
        """)

    package static let connectTimeout = Setting(
        "connect", default: .seconds(2), in: .seconds(1)...(.seconds(60)),
        "How long it may take to find a server's address and connect to it.")

    package static let tlsTimeout = Setting(
        "tls", default: .seconds(2), in: .seconds(1)...(.seconds(60)), "How long the TLS handshake may take.")

    package static let operationTimeout = Setting(
        "operation", default: .seconds(3), in: .seconds(1)...(.seconds(60)),
        "How long one search or one check of a password may take.")

    package static let loginTimeout = Setting(
        "login", default: .seconds(8), in: .seconds(1)...(.seconds(120)),
        "How long a log-in may take altogether; after it the client is told to try again later.")

    package static let idleCheck = Setting(
        "idle-check", default: .seconds(30), in: .seconds(1)...(.seconds(3_600)),
        "How often a connection that nobody uses is tried.")

    package static let renewal = Setting(
        "renewal", default: .seconds(600), in: .seconds(10)...(.seconds(86_400)),
        "At what age a connection is replaced by a new one.")

    package static let bindConnections = Setting(
        "bind-connections", default: 4, in: 1...64, "How many connections to each server check passwords.")

    package static let logins = Setting(
        "logins", default: 256, in: 1...100_000,
        "How many log-ins may wait for the directory; further ones are told to try again later.")

    package static let rememberedNames = Setting(
        "remembered-names", default: 10_000, in: 1...10_000_000,
        "How many names are remembered as existing or not, so that the directory is not asked again.")

    package static let rememberExisting = Setting(
        "remember-existing", default: .seconds(60), in: .seconds(0)...(.seconds(86_400)),
        "How long it is remembered that a person exists.")

    package static let rememberUnknown = Setting(
        "remember-unknown", default: .seconds(60), in: .seconds(0)...(.seconds(86_400)),
        "How long it is remembered that a person does not exist.")

    package static let messageSize = Setting(
        "message-size", default: .mebibytes(1), in: .kibibytes(16)...(.mebibytes(64)),
        "The largest answer that a server of the directory may send.")
}
