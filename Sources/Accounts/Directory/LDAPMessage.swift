/// What is asked of an LDAP server (RFC 4511, sections 4.2 and 4.5).
enum LDAPRequest: Sendable {
    /// A simple bind with the password policy control.
    case bind(name: String, password: [UInt8])
    case search(LDAPSearch)
}

/// One search.
struct LDAPSearch: Sendable {
    var base: String
    var scope: DirectoryConfiguration.Scope
    var filter: String
    var attributes: [String]
    /// Entries beyond this are an error of the server's.
    var sizeLimit: Int

    /// The cheapest question that every server answers: does it still live?
    static let rootEntry = LDAPSearch(
        base: "", scope: .base, filter: "(objectClass=*)", attributes: ["1.1"], sizeLimit: 1)
}

/// A server's answer: the entries of a search, and the result that ends it.
struct LDAPAnswer: Sendable {
    var entries: [DirectoryEntry] = []
    var result: LDAPResult
}

/// LDAPResult of RFC 4511, section 4.1.9, with what the password policy control says.
struct LDAPResult: Sendable, Equatable {
    var code: Int32
    var diagnostic: String = ""
    var policy: PasswordPolicyResponse?
}

/// The password policy control of an answer to a bind (draft-behera-ldap-password-policy, section 6.2).
struct PasswordPolicyResponse: Sendable, Equatable {
    enum Problem: Sendable, Equatable { case passwordExpired, accountLocked, changeAfterReset, other }

    var problem: Problem?
    /// Seconds until the password expires.
    var expiresIn: Int32?
    var graceLogins: Int32?
}
