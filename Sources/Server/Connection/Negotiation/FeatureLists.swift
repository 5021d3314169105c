internal import NIOCore
internal import XMPP

/// The lists of features that streams were shown, each written once for all streams alike (RFC 6120 §4.3.2): a handful.
/// Belongs to one event loop.
struct FeatureLists {
    /// What decides about a list, see `StreamFeature.offer`.
    private struct Circumstances: Hashable {
        let listener: ObjectIdentifier
        let domain: JID?
        let facts: StreamFacts
        let offer: ObjectIdentifier?
    }

    private var lists: [Circumstances: ByteBuffer] = [:]

    /// The list for a stream, `<stream:features/>` with all that may be negotiated on it now.
    mutating func list(for stream: StreamHandler) -> ByteBuffer {
        let facts = stream.facts
        let authenticates = facts.contains(.secure) && !facts.contains(.authenticated) && stream.listener.content == .client
        let circumstances = Circumstances(
            listener: ObjectIdentifier(stream.listener), domain: stream.machine.domain, facts: facts,
            offer: authenticates ? ObjectIdentifier(stream.authenticationOffer) : nil)
        if let list = lists[circumstances] { return list }
        var writer = XMLWriter()
        writer.buffer.write("<stream:features>")
        for index in stream.machine.offers { stream.listener.features[index].offer(on: stream, into: &writer) }
        writer.buffer.write("</stream:features>")
        lists[circumstances] = writer.buffer
        return writer.buffer
    }
}
