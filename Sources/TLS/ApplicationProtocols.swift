/// The protocols that may follow a handshake, in order of preference (ALPN, RFC 7301; `xmpp-client` and `xmpp-server`
/// of XEP-0368).

package struct ApplicationProtocols: Sendable, ExpressibleByArrayLiteral {
    package let names: [String]
    /// Each name after its length, as the extension carries it.
    let wire: [UInt8]

    /// Names longer than 255 bytes and empty ones cannot be said in the extension and are left out.
    package init(_ names: [String]) {
        self.names = names.filter { (1...255).contains($0.utf8.count) }
        wire = self.names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }

    package init(arrayLiteral names: String...) {
        self.init(names)
    }

    package var isEmpty: Bool { names.isEmpty }

    /// The range, inside `offer`, of the name that is most preferred here; nil if nothing is in common.
    func preferred(in offer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        var best: (rank: Int, range: Range<Int>)?
        var position = 0
        while position < offer.count {
            let start = position + 1
            let end = start + Int(offer[position])
            guard end <= offer.count else { return nil }
            let rank = names.firstIndex { $0.utf8.elementsEqual(offer[start..<end]) }
            if let rank, rank < best?.rank ?? .max {
                best = (rank, start..<end)
            }
            position = end
        }
        return best?.range
    }
}
