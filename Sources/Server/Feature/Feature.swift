package import Storage
package import XMPP

/// An extension of the server, declared in one file: everything about it is in its registrations and settings.
package protocol Feature: Sendable {
    /// The extension's numbers; empty for what the RFCs themselves describe.
    static var xeps: [Int] { get }
    /// What an administrator may set.
    static var settings: [AnySetting] { get }
    /// The tables of the feature: named for ever, only added to, never changed once released.
    static var migrations: [Migration] { get }

    /// An account is being removed: what the feature has stored of it goes with it.
    static func removed(_ account: JID, _ transaction: Transaction) throws

    /// - Parameter kernel: outlives the feature; not to be used before the server has started.
    init(kernel: Kernel)

    /// What the feature adds. Asked for once, at the start.
    var registrations: [[Registration]] { get }
}

extension Feature {
    package static var settings: [AnySetting] { [] }
    package static var migrations: [Migration] { [] }
    package static func removed(_ account: JID, _ transaction: Transaction) throws {}
}
