internal import XMPP

/// What a room keeps of somebody who has an affiliation.
struct Affiliate: Sendable, Equatable {
    var affiliation: RoomAffiliation
    /// The nickname that is reserved (XEP-0045 §7.10).
    var nickname: Nickname?
    /// Why the affiliation was given.
    var reason: String?
}
