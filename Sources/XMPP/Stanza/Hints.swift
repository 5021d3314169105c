/// What a message asks of those who could store or copy it (XEP-0334).
package struct Hints: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let noPermanentStore = Hints(rawValue: 1)
    package static let noStore = Hints(rawValue: 2)
    package static let noCopy = Hints(rawValue: 4)
    package static let store = Hints(rawValue: 8)

    /// The hint that an element is; none for others.
    package init(_ element: XMPP.Element) {
        guard element.isIn(.hints) else {
            self = []
            return
        }
        self =
            element.isNamed("store") ? .store
            : element.isNamed("no-store") ? .noStore
            : element.isNamed("no-permanent-store") ? .noPermanentStore : element.isNamed("no-copy") ? .noCopy : []
    }

    /// All hints of a message.
    package init(of message: XMPP.Element) {
        self = []
        for child in message.children { formUnion(Hints(child)) }
    }
}
