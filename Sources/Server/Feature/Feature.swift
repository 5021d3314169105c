package import XMPP

/// An extension of the server, declared in one file: everything about it is in its registrations and settings.
package protocol Feature: Sendable {
    /// The extension's numbers; empty for what the RFCs themselves describe.
    static var xeps: [Int] { get }
    /// What an administrator may set.
    static var settings: [AnySetting] { get }

    init(kernel: Kernel)

    /// What the feature adds. Asked for once, at the start.
    var registrations: [[Registration]] { get }
}

extension Feature {
    package static var settings: [AnySetting] { [] }
}
