package import Accounts

/// How the server keeps the accounts of its own database.
package enum AccountSettings {
    package static let all = [AnySetting(iterations), AnySetting(passwordLength), AnySetting(passwordEndsSessions)]

    static let iterations = Setting(
        "local-accounts.iterations", default: 4_096, in: 4_096...1_000_000,
        """
        How often a password is hashed before it is kept: what a thief of the database has to do for each guess, and \
        the client at each log-in. Accounts keep what they were made with; set it before making them, for strangers \
        can tell accounts with another number from those that do not exist.
        """)

    package static let passwordLength = Setting(
        "local-accounts.password-length", default: 8, in: 1...200,
        """
        How many characters a new password must have at least, whoever sets it: with a client, with martlet user, or from \
        a file. Passwords that are set already stay as they are.
        """)

    static let passwordEndsSessions = Setting(
        "local-accounts.password-ends-sessions", default: false,
        """
        Whether devices that are connected are disconnected when the password of their account is changed by somebody \
        else. Those that have lost their connection, and tokens, end with the password in any case.
        """)
}

extension KeyParameters {
    /// What the configuration says of keys.
    package init(_ configuration: Configuration) {
        self.init(
            iterations: configuration[AccountSettings.iterations],
            minimumLength: configuration[AccountSettings.passwordLength])
    }
}
