/// What result codes mean for log-ins (RFC 4511, appendix A.2).
extension LDAPResult {
    static let success: Int32 = 0
    static let sizeLimitExceeded: Int32 = 4
    static let noSuchObject: Int32 = 32
    static let invalidCredentials: Int32 = 49

    /// What a bind with a user's password says about the user.
    ///
    /// A reason is given away only where the directory looked at it after the password was found right: otherwise
    /// anybody could ask which accounts are locked or disabled.
    func verdict() throws(DirectoryFailure) -> PasswordCheck {
        switch code {
        case Self.success:
            return policy?.problem == .changeAfterReset ? .refused(.passwordExpired) : .accepted
        case Self.invalidCredentials:
            if let data = activeDirectoryData { return Self.verdict(activeDirectoryData: data) }
            // The policy control reports accountLocked before the password is looked at, passwordExpired after.
            return policy?.problem == .passwordExpired ? .refused(.passwordExpired) : .rejected
        case 19, 32, 34, 48, 50, 53:
            // constraintViolation (too many failures), noSuchObject and invalidDNSyntax (a template's DN),
            // inappropriateAuthentication (no password is set), insufficientAccessRights and unwillingToPerform (inactive).
            return .rejected
        default:
            throw failure(of: "the bind")
        }
    }

    /// An answer that is neither what was asked for nor a statement about a user.
    func failure(of operation: String) -> DirectoryFailure {
        let text = diagnostic.isEmpty ? LDAPHandle.text(of: code) : "\(LDAPHandle.text(of: code)): \(diagnostic)"
        switch code {
        // timeLimitExceeded, adminLimitExceeded, busy, unavailable, loopDetect, other
        case 3, 11, 51, 52, 54, 80: return DirectoryFailure(.busy, "the server cannot do \(operation) now (\(text))")
        default: return DirectoryFailure(.refused, "the server refused \(operation) (\(text))")
        }
    }

    /// The `data` number of Active Directory's text, such as `… comment: AcceptSecurityContext error, data 52e, v4563`.
    private var activeDirectoryData: UInt32? {
        guard diagnostic.contains("AcceptSecurityContext"), let mark = diagnostic.firstRange(of: "data ") else {
            return nil
        }
        return UInt32(diagnostic[mark.upperBound...].prefix(while: \.isHexDigit), radix: 16)
    }

    private static func verdict(activeDirectoryData data: UInt32) -> PasswordCheck {
        switch data {
        case 0x530, 0x531: .refused(.notAllowed)  // not at this hour, not from this machine
        case 0x532, 0x773: .refused(.passwordExpired)
        case 0x533: .refused(.disabled)
        case 0x701: .refused(.expired)
        default: .rejected  // 52e: wrong password or unknown; 775: locked, whatever the password
        }
    }
}
