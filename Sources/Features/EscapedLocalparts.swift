package import Server
internal import XMPP

/// XEP-0106: names with characters that an address may not have are written escaped.
///
/// Nothing is to be done for stanzas, whose addresses stay as they are; the names of directories are unescaped where
/// they are searched.
package struct EscapedLocalparts: Feature {
    package static let xeps = [106]

    package init(kernel: Kernel) {}

    package var registrations: [[Registration]] {
        [Registration.advertise(#"jid\20escaping"#, on: .server)]
    }
}
