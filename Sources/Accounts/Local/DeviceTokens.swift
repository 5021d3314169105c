package import Storage
internal import TLS

/// The tokens with which the devices of local accounts log in without a password (XEP-0484).
///
/// A token is derived from a secret of the server and a random number, which alone is kept with it: whoever reads a
/// row cannot log in. A device has two at most: the one in use, and a newer one that it may not have received (§5.1).
/// Those of an account end with its password, and when it is disabled or removed, by whatever process: `LocalAccounts`
/// does that in the same transaction. What has ended is kept for a while, so that its owner can be told.
package struct DeviceTokens: Sendable {
    package struct Settings: Sendable {
        /// In milliseconds.
        package var lifetime: Int
        /// The age at which a token is followed by another one, in milliseconds.
        package var rotation: Int
        /// How many devices of an account may have tokens.
        package var devices: Int

        package init(lifetime: Int, rotation: Int, devices: Int) {
            self.lifetime = lifetime
            self.rotation = rotation
            self.devices = devices
        }
    }

    /// A token as its device shows it.
    package struct Use: Sendable {
        let device: String
        let mechanism: String
        let proof: [UInt8]
        /// What the proof is the hash of, and what the answer is.
        let initiator: [UInt8]
        let responder: [UInt8]
        let count: Int?
        let invalidates: Bool

        /// - Parameters:
        ///   - count: higher than at every earlier use of the token; nil if the device does not count.
        ///   - invalidates: the tokens of the device end with this use.
        package init(
            device: String, mechanism: String, proof: [UInt8], initiator: [UInt8], responder: [UInt8], count: Int?,
            invalidates: Bool
        ) {
            self.device = device
            self.mechanism = mechanism
            self.proof = proof
            self.initiator = initiator
            self.responder = responder
            self.count = count
            self.invalidates = invalidates
        }
    }

    package enum Outcome: Sendable, Equatable {
        /// With the server's proof; a token that is due should be followed by another one.
        case accepted(proof: [UInt8], isDue: Bool, passwordRevision: Int)
        /// No such token, not with this mechanism, or not again.
        case rejected
        /// The right token, but its time is over.
        case expired
        /// The right token, but the account may not be used.
        case refused(AccountRefusal)
        /// The text is for the log.
        case unavailable(String)
    }

    /// What a device is given.
    package struct Token: Sendable, Equatable {
        package let text: String
        /// Milliseconds since 1970.
        package let expiry: Int
    }

    private let domain: String
    private let database: Database
    private let secret: [UInt8]
    package let settings: Settings

    /// - Parameter secret: 32 random bytes that stay the same.
    package init(of accounts: LocalAccounts, secret: [UInt8], settings: Settings) {
        domain = accounts.domain
        database = accounts.database
        self.secret = secret
        self.settings = settings
    }

    // MARK: Using

    /// Checks a token.
    /// - Parameters:
    ///   - user: prepared.
    ///   - now: milliseconds since 1970.
    package func use(_ use: Use, user: String, now: Int) async -> Outcome {
        do throws(StorageError) {
            let (account, kept) = try await database.read { [domain] transaction in
                (
                    try transaction.account(user, of: domain),
                    try transaction.tokens(of: user, domain: domain, device: use.device)
                )
            }
            // As much is hashed for those who have no token.
            var found: KeptToken?
            for token in kept + [KeptToken.none, .none].dropFirst(kept.count) where matches(use, token, user) { found = token }
            guard let account, let found, found.mechanism == use.mechanism else { return .rejected }
            if account.isDisabled { return .refused(.disabled) }
            guard found.expiry > now else { return .expired }
            guard try await keep(use, of: found, user) else { return .rejected }
            let text = text(user, use.device, found.nonce)
            return .accepted(
                proof: Hash.sha256.hmac(key: Array(text.utf8), use.responder),
                isDue: found.issued + settings.rotation <= now, passwordRevision: account.passwordRevision)
        } catch {
            return .unavailable("\(error)")
        }
    }

    private func matches(_ use: Use, _ token: KeptToken, _ user: String) -> Bool {
        let text = text(user, use.device, token.nonce)
        return constantTimeEqual(Hash.sha256.hmac(key: Array(text.utf8), use.initiator), use.proof)
    }

    /// Notes that a token was used: its count, that it is the one in use now (§3.5), or that it ends (§3.6).
    /// - Returns: false if it must not be used any more.
    private func keep(_ use: Use, of token: KeptToken, _ user: String) async throws(StorageError) -> Bool {
        if let count = use.count, count <= token.count { return false }
        // Most uses change nothing.
        guard use.count != nil || token.isNew || use.invalidates else { return true }
        let key: [SQLValue] = [.text(domain), .text(user), .text(use.device)]
        return try await database.write { transaction in
            // Somebody may use the same token at the same time.
            let isThere = try transaction.execute(
                """
                UPDATE account_token SET uses = $1
                WHERE domain = $2 AND localpart = $3 AND device = $4 AND nonce = $5 AND expiry > 0
                AND (uses < $1 OR $6 = 0)
                """,
                [.integer(use.count ?? token.count)] + key
                    + [.bytes(token.nonce), .integer(use.count == nil ? 0 : 1)])
            guard isThere == 1 else { return false }
            if use.invalidates {
                try transaction.execute(
                    "DELETE FROM account_token WHERE domain = $1 AND localpart = $2 AND device = $3", key)
            } else if token.isNew {
                try transaction.execute(
                    """
                    DELETE FROM account_token
                    WHERE domain = $1 AND localpart = $2 AND device = $3 AND nonce <> $4
                    """, key + [.bytes(token.nonce)])
                try transaction.execute(
                    "UPDATE account_token SET is_new = 0 WHERE domain = $1 AND localpart = $2 AND device = $3", key)
            }
            return true
        }
    }

    // MARK: Issuing

    /// What a token depends on besides its own time: grows with the account's password. Nil if there is no such account.
    /// - Parameter user: prepared.
    package func passwordRevision(of user: String) async -> Int? {
        do throws(StorageError) {
            return try await database.read { [domain] in try $0.account(user, of: domain) }?.passwordRevision
        } catch {
            return nil
        }
    }

    /// Makes a token for a device, in the place of another that it has not used yet (§3.5).
    /// - Parameters:
    ///   - user: prepared.
    ///   - passwordRevision: as it was when the device proved who it is.
    ///   - now: milliseconds since 1970.
    /// - Returns: nil if the account is gone, disabled, or has another password by now.
    package func issue(
        for user: String, device: String, mechanism: String, passwordRevision: Int, now: Int
    ) async throws(StorageError) -> Token? {
        let nonce = randomBytes(16)
        let expiry = now + settings.lifetime
        let isIssued = try await database.write { [domain, settings] transaction in
            guard let account = try transaction.account(user, of: domain), !account.isDisabled,
                account.passwordRevision == passwordRevision
            else { return false }
            try transaction.makeRoom(forTokenOf: device, user: user, domain: domain, limit: settings.devices)
            try transaction.execute(
                """
                INSERT INTO account_token
                (domain, localpart, device, is_new, mechanism, nonce, issued, expiry, uses)
                VALUES ($1, $2, $3, 1, $4, $5, $6, $7, -1)
                ON CONFLICT (domain, localpart, device, is_new) DO UPDATE SET mechanism = excluded.mechanism,
                nonce = excluded.nonce, issued = excluded.issued, expiry = excluded.expiry, uses = excluded.uses
                """,
                [
                    .text(domain), .text(user), .text(device), .text(mechanism), .bytes(nonce), .integer(now),
                    .integer(expiry),
                ])
            return true
        }
        return isIssued ? Token(text: text(user, device, nonce), expiry: expiry) : nil
    }

    // MARK: Ending

    /// Ends the tokens of a device, or of all of an account's.
    /// - Parameter user: prepared.
    package func revoke(of user: String, device: String?) async throws(StorageError) {
        try await database.write { [domain] transaction in
            try transaction.revokeTokens(of: user, domain: domain, device: device)
        }
    }

    /// Forgets those that ended long ago.
    package func tidy(now: Int) async throws(StorageError) {
        _ = try await database.write { [domain, settings] transaction in
            try transaction.execute(
                "DELETE FROM account_token WHERE domain = $1 AND issued < $2",
                [.text(domain), .integer(now - 2 * settings.lifetime)])
        }
    }

    /// 43 characters.
    private func text(_ user: String, _ device: String, _ nonce: [UInt8]) -> String {
        let message = Array("token\0\(domain)\0\(user)\0\(device)\0".utf8) + nonce
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var result: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for byte in Hash.sha256.hmac(key: secret, message) {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                result.append(digits[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { result.append(digits[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: result, as: UTF8.self)
    }
}
