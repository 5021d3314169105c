internal import NIOCore
internal import XMPP

/// What a room is about (XEP-0045 §7.2.14, §8.1).
struct RoomSubject: Sendable, Equatable {
    /// As it was written, in several languages maybe, with the mark of who has written it; empty while nobody has.
    var content = ByteBuffer()
    /// The address in the room of who has set it.
    var author: JID?
    var time: DateTime?

    /// Whether a message to all changes the subject: it has one, and neither body nor thread.
    static func isChange(_ message: Stanza) -> Bool {
        guard let element = message.element, element.child("subject") != nil else { return false }
        return element.child("body") == nil && element.child("thread") == nil
    }

    /// The subject in a language nobody has asked for: the first.
    var text: String? {
        var content = content
        guard let markup = content.readString(length: content.readableBytes), !markup.isEmpty,
            let element = try? StanzaParser().parse(ByteBuffer(string: "<message>\(markup)</message>"))
        else { return nil }
        return element.child("subject", in: .client)?.text
    }

    /// The message that ends the order of events of §7.1.
    func message(to receiver: JID, in room: JID) -> Stanza {
        var message = Stanza(.message, type: .groupchat, from: author ?? room, to: receiver) { writer in
            if content.readableBytes == 0 { writer.element("subject") } else { writer.raw(content) }
        }
        if let time { message.delay(since: time, by: room) }
        return message
    }
}
