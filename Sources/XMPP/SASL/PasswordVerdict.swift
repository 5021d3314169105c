/// What the account sources say about a user name and a password.
package enum PasswordVerdict: Sendable {
    case right

    /// Wrong password or no such account, which the client cannot tell apart.
    case wrong

    /// Right password, but the account is disabled or expired, or the sources could not be asked.
    case refused(SASLFailure)
}
