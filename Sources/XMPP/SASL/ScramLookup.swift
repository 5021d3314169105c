/// What the account sources answered when they were asked for an account's SCRAM keys.
package enum ScramLookup: Sendable {
    /// The keys; `refusal` is why the account may not log in although the password is right, and is told only to those
    /// who prove that they know the password.
    case found(ScramKeys, refusal: SASLFailure? = nil)

    /// No such account, or none with keys for this hash function. `account` is the prepared user name, or the name as
    /// it was sent if it cannot be prepared.
    case unknown(account: String)

    /// The sources could not be asked; the detail is for the log.
    case failed(String)
}
