internal import NIOCore
internal import Server
internal import XMPP

/// Public rooms are looked for (XEP-0433).
struct RoomSearch: Sendable {
    unowned let kernel: Kernel
    let directory: RoomDirectory
    let quota: SearchQuota

    /// How many rooms are told at once.
    private static let limit = 100

    func answer(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        guard let element = request.payload.child("x", in: .dataForms) else { return RoomSearchQuery.form }
        guard let form = DataForm(element), form.kind == .submit else { throw StanzaError(.badRequest) }
        let query = try RoomSearchQuery(form)
        var wanted = ResultSet()
        if let set = request.payload.child("set", in: .resultSets) { wanted = try ResultSet(set) }
        try quota.take(kernel.serves(domainOf: request.from) ? request.from.bare : request.from.domainJID, at: kernel.clock.now)
        let rooms = query.isForRooms ? try await rooms(of: request.to.domainJID, query) : []
        return try Self.page(query.sorted(rooms), wanted)
    }

    private func rooms(of service: JID, _ query: RoomSearchQuery) async throws(StanzaError) -> [RoomListing] {
        let inMemory = directory.found(of: service)
        var found = try await kernel.read(of: service) { transaction in
            try RoomStore.search(service, transaction) { query.finds($0) }
        }
        for index in found.indices {
            if let entry = inMemory[found[index].address] { found[index].occupants = entry.listing.occupants }
        }
        return found + inMemory.values.filter { !$0.isStored && query.finds($0.listing) }.map(\.listing)
    }

    private static func page(_ rooms: [RoomListing], _ wanted: ResultSet) throws(StanzaError) -> ByteBuffer {
        let limit = min(wanted.max ?? limit, limit)
        func place(_ address: String) throws(StanzaError) -> Int {
            guard let index = rooms.firstIndex(where: { $0.address == address }) else { throw StanzaError(.itemNotFound) }
            return index
        }
        let range: Range<Int>
        switch wanted.start {
        case .first: range = 0..<min(limit, rooms.count)
        case .after(let address):
            let start = try place(address) + 1
            range = start..<min(start + limit, rooms.count)
        case .before(let address):
            let end = try place(address)
            range = max(0, end - limit)..<end
        case .last: range = max(0, rooms.count - limit)..<rooms.count
        case .index(let index):
            guard index <= rooms.count else { throw StanzaError(.itemNotFound) }
            range = index..<min(index + limit, rooms.count)
        }
        var writer = XMLWriter()
        writer.element("result", in: .channelSearch) { writer in
            for room in rooms[range] { room.write(into: &writer) }
            ResultSet.write(
                first: rooms[range].first?.address, last: rooms[range].last?.address,
                index: range.isEmpty ? nil : range.lowerBound, count: rooms.count, into: &writer)
        }
        return writer.buffer
    }
}

/// What is looked for.
struct RoomSearchQuery: Sendable {
    enum Order: String, Sendable, CaseIterable {
        case users = "{urn:xmpp:channel-search:0:order}nusers"
        case address = "{urn:xmpp:channel-search:0:order}address"
    }

    static let formType = "urn:xmpp:channel-search:0:search-params"
    private static let service = "xep-0045"
    private static let mostWords = 16

    /// In lower case; all of them are to be found. Nil: every room is.
    private let words: [String]?
    private let isNameSearched: Bool
    private let isDescriptionSearched: Bool
    private let isAddressSearched: Bool
    private let order: Order
    /// Whether rooms of XEP-0045 are among what is looked for.
    let isForRooms: Bool

    /// - Throws: the errors of §4.2.2.
    init(_ form: DataForm) throws(StanzaError) {
        guard form.formType == Self.formType else { throw StanzaError(.badRequest, "the form is of another type") }
        let all = try Self.flag(form, "all", default: false)
        let text = form["q"]?.first
        switch (all, text) {
        // Where a form is sent back as it was, `q` is empty.
        case (true, nil), (true, ""): words = nil
        case (true, _?): throw Self.error(.badRequest, "conflicting-fields", "either all rooms, or those with some words")
        case (false, nil): throw Self.error(.badRequest, "no-search-conditions")
        case (false, let text?):
            let found = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
            guard (1...Self.mostWords).contains(found.count) else {
                throw Self.error(.badRequest, "invalid-search-terms", "one word at least, and \(Self.mostWords) at most")
            }
            words = found
        }
        isNameSearched = try Self.flag(form, "sinname", default: true)
        isDescriptionSearched = try Self.flag(form, "sindescription", default: true)
        // The example of §4.2.1 calls it so.
        isAddressSearched = try Self.flag(form, form["sinaddress"] == nil ? "sinaddr" : "sinaddress", default: true)
        guard words == nil || isNameSearched || isDescriptionSearched || isAddressSearched else {
            throw Self.error(.badRequest, "conflicting-fields", "words are looked for nowhere")
        }
        guard let order = form["key"]?.first.map(Order.init(rawValue:)) ?? .users else {
            throw Self.error(.featureNotImplemented, "invalid-sort-key")
        }
        self.order = order
        isForRooms = form["types"].map { $0.contains(Self.service) } ?? true
    }

    private static func flag(_ form: DataForm, _ name: String, default value: Bool) throws(StanzaError) -> Bool {
        switch form[name]?.first {
        case nil: value
        case "1", "true": true
        case "0", "false": false
        case _?: throw StanzaError(.badRequest, "\(name) is true or false")
        }
    }

    private static func error(
        _ condition: StanzaError.Condition, _ application: StaticString, _ text: String? = nil
    ) -> StanzaError {
        StanzaError(condition, text, kind: .modify, application: (application, .channelSearchErrors))
    }

    func finds(_ room: RoomListing) -> Bool {
        guard let words else { return true }
        var texts: [String] = []
        if isNameSearched { texts.append(room.name.lowercased()) }
        if isDescriptionSearched { texts.append(room.description.lowercased()) }
        if isAddressSearched { texts.append(room.address) }
        return words.allSatisfy { word in texts.contains { $0.contains(word) } }
    }

    /// §6.1
    func sorted(_ rooms: [RoomListing]) -> [RoomListing] {
        rooms.sorted { left, right in
            if order == .users, left.occupants != right.occupants { return left.occupants > right.occupants }
            return left.address.utf8.lexicographicallyPrecedes(right.address.utf8)
        }
    }

    /// §4.2.1: the fields that are known, with their defaults.
    static let form: ByteBuffer = {
        func flag(_ name: String, _ label: String, _ value: String) -> DataForm.Field {
            DataForm.Field(name, type: "boolean", label: label, value)
        }
        var types = DataForm.Field("types", type: "list-multi", label: "Service types", service)
        types.options = [service]
        types.labels = [service: "XEP-0045 Multi-User Chats"]
        var key = DataForm.Field("key", type: "list-single", label: "Sort results by", Order.users.rawValue)
        key.options = Order.allCases.map(\.rawValue)
        key.labels = [Order.users.rawValue: "Number of online users", Order.address.rawValue: "Address"]
        var writer = XMLWriter()
        writer.element("search", in: .channelSearch) { writer in
            DataForm(
                .form, formType: formType,
                [
                    DataForm.Field("q", type: "text-single", label: "Search for", values: []),
                    flag("all", "Return all entries (ignore search terms)", "false"),
                    flag("sinname", "Search in name", "true"),
                    flag("sindescription", "Search in description", "true"),
                    flag("sinaddress", "Search in address", "true"), types, key,
                ]
            ).write(into: &writer)
        }
        return writer.buffer
    }()
}

extension RoomListing {
    /// §6.2
    fileprivate func write(into writer: inout XMLWriter) {
        func told(_ text: String) -> String? { text.isEmpty ? nil : text }
        writer.element("item", ["address": address]) { writer in
            writer.element("name", text: told(name))
            writer.element("description", text: told(description))
            writer.element("language", text: told(language))
            writer.element("nusers", text: "\(occupants)")
            writer.element("service-type", text: "xep-0045")
            writer.element("is-open", text: isOpen ? "true" : "false")
            writer.element(
                "anonymity-mode",
                text: isNonAnonymous ? "{urn:xmpp:channel-search:0:anonymity}none" : "muc_semianonymous")
        }
    }
}

extension Namespace {
    /// XEP-0433
    static let channelSearch: Namespace = "urn:xmpp:channel-search:0:search"
    static let channelSearchErrors: Namespace = "urn:xmpp:channel-search:0:error"
}
