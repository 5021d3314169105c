internal import Storage
internal import XMPP

/// A query of an archive as a client has written it (XEP-0313 §4).
struct ArchiveRequest {
    var query: ArchiveQuery
    let queryID: String?
    /// Whether the results are sent from the last to the first (§4.3.4).
    let isFlipped: Bool

    private static let idLimit = 1_000

    /// - Parameters:
    ///   - first: nothing is read before that place.
    ///   - pageLimit: how many messages a page has at most.
    init(_ element: Element, of owner: ArchiveOwner, first: ArchivePlace, pageLimit: Int) throws(StanzaError) {
        query = ArchiveQuery(owner: owner.name, limit: pageLimit)
        queryID = element["queryid"]
        isFlipped = element.child("flip-page", in: .archive) != nil
        query.after = ArchivePlace(number: max(0, first.number - 1))
        if let form = element.child("x", in: .dataForms) { try read(form, owner, first) }
        if let set = element.child("set", in: .resultSets) { try read(try ResultSet(set), owner, first, pageLimit) }
    }

    private mutating func read(_ element: Element, _ owner: ArchiveOwner, _ first: ArchivePlace) throws(StanzaError) {
        guard let form = DataForm(element), form.formType == Namespace.archive.description else {
            throw StanzaError(.badRequest, "the form is not of the kind that is asked for")
        }
        for field in form.fields {
            let value = field.values.first ?? ""
            switch field.name {
            case "FORM_TYPE": break
            case "with":
                guard let peer = try? JID(value) else { throw StanzaError(.badRequest, "\"with\" is no address") }
                query.peer = peer.bare.description
                query.resource = peer.resource
            case "start":
                guard let time = DateTime(value) else { throw StanzaError(.badRequest, "\"start\" is no time") }
                query.after = max(query.after, ArchivePlace(number: ArchivePlace(firstOf: time.milliseconds).number - 1))
            case "end":
                guard let time = DateTime(value) else { throw StanzaError(.badRequest, "\"end\" is no time") }
                query.before = min(query.before, ArchivePlace(firstOf: time.milliseconds + 1))
            case "after-id": query.after = max(query.after, try place(value, owner, first))
            case "before-id": query.before = min(query.before, try place(value, owner, first))
            case "ids":
                guard field.values.count <= Self.idLimit else { throw StanzaError(.badRequest, "too many ids") }
                var places: [ArchivePlace] = []
                for value in field.values { places.append(try place(value, owner, first)) }
                query.only = Set(places).sorted()
            case "include-groupchat":
                // Nothing of rooms is in the archives of accounts.
                guard ["true", "false", "1", "0"].contains(value) else { throw StanzaError(.badRequest) }
            default: throw StanzaError(.featureNotImplemented, "the field \"\(field.name)\" is not known")
            }
        }
    }

    private mutating func read(
        _ set: ResultSet, _ owner: ArchiveOwner, _ first: ArchivePlace, _ pageLimit: Int
    ) throws(StanzaError) {
        if let max = set.max {
            query.limit = min(max, pageLimit)
            if max == 0 { query.counting = .all }
        }
        switch set.start {
        case .first: break
        case .last: query.isBackwards = true
        case .after(let name): query.pageAfter = try place(name, owner, first)
        case .before(let name):
            query.pageBefore = try place(name, owner, first)
            query.isBackwards = true
        case .index(let index): query.skipped = index
        }
    }

    /// The place that a client has named; it must be there.
    private mutating func place(
        _ name: String, _ owner: ArchiveOwner, _ first: ArchivePlace
    ) throws(StanzaError) -> ArchivePlace {
        guard let place = owner.cipher.place(named: name), place >= first else { throw StanzaError(.itemNotFound) }
        query.known.insert(place)
        return place
    }

    /// §4.1.5
    static func writeForm(into writer: inout XMLWriter) {
        writer.element("query", in: .archive) { writer in
            writer.element("x", in: .dataForms, ["type": "form"]) { writer in
                writer.element("field", ["type": "hidden", "var": "FORM_TYPE"]) {
                    $0.element("value", text: Namespace.archive.description)
                }
                writer.element("field", ["type": "jid-single", "var": "with"])
                for name in ["start", "end", "before-id", "after-id"] {
                    writer.element("field", ["type": "text-single", "var": name])
                }
                writer.element("field", ["type": "list-multi", "var": "ids"]) { writer in
                    writer.element("validate", in: .formValidation, ["datatype": "xs:string"]) { $0.element("open") }
                }
                writer.element("field", ["type": "boolean", "var": "include-groupchat"])
            }
        }
    }
}

extension Namespace {
    static let archive: Namespace = "urn:xmpp:mam:2"
    /// XEP-0122
    static let formValidation: Namespace = "http://jabber.org/protocol/xdata-validate"
}
