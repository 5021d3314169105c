/// What somebody wants a room to be, and which of that the room has confirmed.
struct RoomOrdersGiven {
    enum Change: Equatable {
        case affiliation(String, String)
        case membersOnly(Bool)
        case subject(String)

        /// What of the room it changes.
        var subject: String {
            switch self {
            case .affiliation(let person, _): person
            case .membersOnly: "members only"
            case .subject: "subject"
            }
        }

        var value: String {
            switch self {
            case .affiliation(_, let value), .subject(let value): value
            case .membersOnly(let value): "\(value)"
            }
        }
    }

    /// In the order in which they were given; nil: not answered.
    private var orders: [(id: String, change: Change, isDone: Bool?)] = []

    mutating func gave(_ id: String, _ change: Change) { orders.append((id, change, nil)) }

    mutating func answered(_ id: String, isDone: Bool) {
        if let index = orders.firstIndex(where: { $0.id == id }) { orders[index].isDone = isDone }
    }

    /// What is not as it was confirmed, unless by an order that was given later and not answered.
    func contradictions(_ truth: RoomTruth) -> [String] {
        var found: [String] = []
        for subject in Set(orders.map(\.change.subject)) {
            var possible = [Self.beginning(subject)]
            for order in orders where order.change.subject == subject {
                switch order.isDone {
                case true?: possible = [order.change.value]
                case false?: break
                case nil: possible.append(order.change.value)
                }
            }
            let value = Self.value(subject, truth)
            if !possible.contains(value) { found.append("\(subject) is \(value), not one of \(possible)") }
        }
        return found
    }

    private static func beginning(_ subject: String) -> String {
        switch subject {
        case "members only": "false"
        case "subject": ""
        default: "none"
        }
    }

    private static func value(_ subject: String, _ truth: RoomTruth) -> String {
        switch subject {
        case "members only": "\(truth.isMembersOnly)"
        case "subject": truth.subject ?? ""
        default: truth.affiliations[subject] ?? "none"
        }
    }
}
