/// Which part of a long list is wanted (XEP-0059 §2).
package struct ResultSet: Sendable, Equatable {
    package enum Start: Sendable, Equatable {
        case first
        case after(String)
        case before(String)
        case last
        case index(Int)
    }

    /// How many at most; nil leaves it to the server.
    package var max: Int?
    package var start: Start

    package init(max: Int? = nil, start: Start = .first) {
        self.max = max
        self.start = start
    }

    /// Reads `<set xmlns='http://jabber.org/protocol/rsm'/>`.
    /// - Throws: `bad-request` for numbers that are none.
    package init(_ element: Element) throws(StanzaError) {
        self.init()
        if let text = element.child("max", in: .resultSets)?.text { max = try Self.number(text) }
        if let after = element.child("after", in: .resultSets) {
            start = .after(after.text)
        } else if let before = element.child("before", in: .resultSets)?.text {
            start = before.isEmpty ? .last : .before(before)
        } else if let index = element.child("index", in: .resultSets)?.text {
            start = .index(try Self.number(index))
        }
    }

    private static func number(_ text: String) throws(StanzaError) -> Int {
        guard let number = Int(text), number >= 0 else { throw StanzaError(.badRequest, "a number is expected") }
        return number
    }

    /// Writes `<set/>` of an answer (§2.1).
    /// - Parameters:
    ///   - index: the place of the first one among all; nil if it is not known.
    ///   - count: how many there are; nil if it is not known.
    package static func write(
        first: String?, last: String?, index: Int?, count: Int?, into writer: inout XMLWriter
    ) {
        writer.element("set", in: .resultSets) { writer in
            if let first, let last {
                writer.element("first", ["index": index.map(String.init)], text: first)
                writer.element("last", text: last)
            }
            writer.element("count", text: count.map(String.init))
        }
    }
}

extension Namespace {
    /// XEP-0059
    package static let resultSets: Namespace = "http://jabber.org/protocol/rsm"
}
