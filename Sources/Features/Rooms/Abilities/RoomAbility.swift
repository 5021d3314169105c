internal import XMPP

/// Something that a room can be configured to do or to be: all of it is in one file.
protocol RoomAbility: Sendable, Equatable {
    /// How a room is that nobody has configured.
    init()

    /// What of it an owner can set; what is set is also how it is stored.
    static var fields: [AbilityField<Self>] { get }

    /// What service discovery tells of it (XEP-0045 §15.3).
    var features: [String] { get }

    /// Status codes that who enters is told.
    var entryCodes: [Int] { get }

    /// Whether what was set makes sense.
    /// - Throws: `not-acceptable`.
    func check() throws(StanzaError)

    /// Whether somebody may enter.
    func admit(_ entrant: Entrant, to room: Room) throws(StanzaError)

    /// Status codes that occupants are told when this takes the place of `before`; none where it is a change like any
    /// other.
    func codes(after before: Self) -> [Int]
}

extension RoomAbility {
    var features: [String] { [] }
    var entryCodes: [Int] { [] }
    func check() throws(StanzaError) {}
    func admit(_ entrant: Entrant, to room: Room) throws(StanzaError) {}
    func codes(after before: Self) -> [Int] { [] }
}

/// Somebody who wants to enter a room.
struct Entrant: Sendable {
    /// The device, by its full JID.
    let device: JID
    let nickname: Nickname
    var affiliation: RoomAffiliation
    let password: String?

    var person: JID { device.bare }
}

/// A field of the configuration form (XEP-0045 §10.2): how it is shown, and what its values do.
struct AbilityField<Ability: Sendable>: Sendable {
    let name: String
    let type: String
    let label: String
    var options: [String] = []
    /// What people are shown for some of the options.
    var labels: [String: String] = [:]
    /// The least of a field that is an integer (XEP-0122).
    var minimum: Int?
    let get: @Sendable (Ability) -> [String]
    let set: @Sendable (inout Ability, [String]) throws(StanzaError) -> Void

    /// The field of something that the ability is a part of.
    func lifted<Whole>(_ path: any WritableKeyPath<Whole, Ability> & Sendable) -> AbilityField<Whole> {
        AbilityField<Whole>(
            name: name, type: type, label: label, options: options, labels: labels, minimum: minimum,
            get: { get($0[keyPath: path]) },
            set: { (whole, values) throws(StanzaError) in try set(&whole[keyPath: path], values) })
    }

    /// `1` or `0`, `true` or `false` (XEP-0004 §3.3).
    static func boolean(
        _ name: String, _ label: String, _ path: any WritableKeyPath<Ability, Bool> & Sendable
    ) -> AbilityField {
        AbilityField(
            name: name, type: "boolean", label: label, get: { [$0[keyPath: path] ? "1" : "0"] },
            set: { (ability, values) throws(StanzaError) in
                switch values.first {
                case "1", "true": ability[keyPath: path] = true
                case "0", "false": ability[keyPath: path] = false
                default: throw StanzaError(.notAcceptable, "\(name) is true or false")
                }
            })
    }

    /// A line of text, not longer than a few kilobytes.
    static func text(
        _ name: String, type: String = "text-single", _ label: String,
        _ path: any WritableKeyPath<Ability, String> & Sendable
    ) -> AbilityField {
        AbilityField(
            name: name, type: type, label: label, get: { $0[keyPath: path].isEmpty ? [] : [$0[keyPath: path]] },
            set: { (ability, values) throws(StanzaError) in
                let value = values.first ?? ""
                guard value.utf8.count <= 4_096 else { throw StanzaError(.notAcceptable, "\(name) is too long") }
                ability[keyPath: path] = value
            })
    }

    /// One of several words.
    /// - Parameter labels: what people are shown for them.
    static func choice<Value: RawRepresentable & CaseIterable & Hashable & Sendable>(
        _ name: String, _ label: String, _ path: any WritableKeyPath<Ability, Value> & Sendable, _ labels: [Value: String]
    ) -> AbilityField where Value.RawValue == String {
        let words = Value.allCases.map(\.rawValue)
        return AbilityField(
            name: name, type: "list-single", label: label, options: words,
            labels: Dictionary(uniqueKeysWithValues: labels.map { ($0.key.rawValue, $0.value) }),
            get: { [$0[keyPath: path].rawValue] },
            set: { (ability, values) throws(StanzaError) in
                guard let value = values.first.flatMap(Value.init(rawValue:)) else {
                    throw StanzaError(.notAcceptable, "\(name) is one of \(words.joined(separator: ", "))")
                }
                ability[keyPath: path] = value
            })
    }

    /// Some of the roles of those who are in a room.
    static func roles(
        _ name: String, _ label: String, _ path: any WritableKeyPath<Ability, Set<RoomRole>> & Sendable
    ) -> AbilityField {
        let roles = [RoomRole.moderator, .participant, .visitor]
        return AbilityField(
            name: name, type: "list-multi", label: label, options: roles.map(\.rawValue),
            labels: ["moderator": "Moderators", "participant": "Participants", "visitor": "Visitors"],
            get: { ability in roles.filter(ability[keyPath: path].contains).map(\.rawValue) },
            set: { (ability, values) throws(StanzaError) in
                var chosen: Set<RoomRole> = []
                for value in values {
                    guard let role = RoomRole(rawValue: value), role != .none else {
                        throw StanzaError(.notAcceptable, "\(name) are roles")
                    }
                    chosen.insert(role)
                }
                ability[keyPath: path] = chosen
            })
    }
}
