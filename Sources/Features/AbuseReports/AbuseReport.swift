package import XMPP

/// What somebody says of an address that they block (XEP-0377 §4).
package struct AbuseReport: Sendable, Equatable {
    /// The address that is reported.
    package let reported: JID
    /// A name, such as `urn:xmpp:reporting:spam`.
    package let reason: String
    /// What the reporter writes about it; empty for nothing.
    package let text: String
    /// The places of messages that are meant: who has given them, and the id.
    package let messages: [String]

    private static let reasonLimit = 256
    private static let textLimit = 2_000
    private static let messageLimit = 20
    private static let placeLimit = 512

    package init(reported: JID, reason: String, text: String, messages: [String]) {
        self.reported = reported
        self.reason = reason
        self.text = text
        self.messages = messages
    }

    /// The reports in a request to block; of each address at most one, and none that does not say why.
    static func all(in request: Element) -> [AbuseReport] {
        var reports: [AbuseReport] = []
        for item in request.children where item.isNamed("item", in: .blocking) {
            guard let report = item.child("report", in: .reporting) ?? item.child("report", in: .formerReporting),
                let address = item["jid"].flatMap({ try? JID($0) }),
                !reports.contains(where: { $0.reported == address }), let found = AbuseReport(report, of: address)
            else { continue }
            reports.append(found)
        }
        return reports
    }

    private init?(_ report: Element, of address: JID) {
        guard let reason = report.isIn(.reporting) ? report["reason"] : Self.formerReason(of: report), !reason.isEmpty,
            reason.utf8.count <= Self.reasonLimit
        else { return nil }
        reported = address
        self.reason = reason
        text = report.child("text").map { String($0.text.trimmed.prefix(Self.textLimit)) } ?? ""
        messages = report.children.filter { $0.isNamed("stanza-id", in: .stanzaIdentifiers) }
            .compactMap { place in
                guard let by = place["by"], let id = place["id"] else { return nil }
                let text = "\(by) \(id)"
                return text.utf8.count <= Self.placeLimit && !text.contains("\n") ? text : nil
            }.prefix(Self.messageLimit).map { $0 }
    }

    /// Before version 0.3 the reason was an element.
    private static func formerReason(of report: Element) -> String? {
        if report.child("spam") != nil { return "urn:xmpp:reporting:spam" }
        return report.child("abuse").map { _ in "urn:xmpp:reporting:abuse" }
    }

    /// In words, for an administrator.
    func sentence(by reporter: JID) -> String {
        let why =
            switch reason {
            case "urn:xmpp:reporting:spam": "spam"
            case "urn:xmpp:reporting:abuse": "abuse"
            default: reason
            }
        var sentence = "\(reporter) has blocked \(reported) and reports \(why)."
        if !text.isEmpty { sentence += "\n\(text)" }
        if !messages.isEmpty { sentence += "\nMessages: \(messages.joined(separator: ", "))" }
        return sentence
    }
}

extension String {
    fileprivate var trimmed: Substring {
        let start = drop(while: \.isWhitespace)
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
    }
}

extension Namespace {
    /// XEP-0377
    static let reporting: Namespace = "urn:xmpp:reporting:1"
    /// XEP-0377 before version 0.3
    static let formerReporting: Namespace = "urn:xmpp:reporting:0"
}
