/// What the server knows when a stream begins to authenticate; constant for one stream.
package struct SASLContext: Sendable {
    package let offer: SASLOffer

    /// The hashes over what was put before the client (XEP-0474); none leaves that protection out. A SASL1 and a SASL2
    /// exchange have different lists.
    package let downgradeProtection: [ScramHash.Name: [UInt8]]

    /// The functions for the SCRAM mechanisms in the offer.
    package let hashes: [ScramHash]

    /// The data for the channel-binding types in the offer; used by the `-PLUS` mechanisms only.
    package internal(set) var channelBindings: [ChannelBinding]

    package let decoy: ScramDecoy

    /// Whether a non-empty authorization identity is just another name of the user who authenticates. Both are as the
    /// client sent them. Nobody may act as somebody else.
    package let isOwnIdentity: @Sendable (_ authzid: String, _ username: String) -> Bool

    package init(
        offer: SASLOffer, downgradeProtection: [ScramHash.Name: [UInt8]], hashes: [ScramHash], channelBindings: [ChannelBinding] = [],
        decoy: ScramDecoy, isOwnIdentity: @escaping @Sendable (_ authzid: String, _ username: String) -> Bool
    ) {
        self.offer = offer
        self.downgradeProtection = downgradeProtection
        self.hashes = hashes
        self.channelBindings = channelBindings
        self.decoy = decoy
        self.isOwnIdentity = isOwnIdentity
    }

    /// The longest localpart (RFC 7622 §3.3), in bytes.
    static let maximumUsernameSize = 1023

    /// The longest bare JID, in bytes.
    static let maximumAuthzidSize = 2047

    /// Fails for names no account can have, and for an authorization identity other than the user's own.
    func check(username: String, authzid: String?) throws(SASLFailure) {
        guard username.utf8.count <= SASLContext.maximumUsernameSize else {
            throw SASLFailure(.malformedRequest, "the user name has \(username.utf8.count) bytes")
        }
        guard let authzid else { return }
        guard authzid.utf8.count <= SASLContext.maximumAuthzidSize else {
            throw SASLFailure(.invalidAuthzid, "the authorization identity has \(authzid.utf8.count) bytes")
        }
        guard isOwnIdentity(authzid, username) else {
            throw SASLFailure(.invalidAuthzid, "the authorization identity is not the user's own")
        }
    }
}
