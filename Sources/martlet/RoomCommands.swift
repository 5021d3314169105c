import ArgumentParser
import Features
import Foundation
import Server
import Storage
import XMPP

/// `martlet room`: rooms that are kept, whether the server runs or not.
struct RoomCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "room", abstract: "Make, change and list rooms that are kept; also while the server runs.",
        subcommands: [
            RoomListing.self, RoomCreate.self, RoomConfigure.self, RoomAffiliate.self, RoomDestroy.self, RoomExport.self,
        ])
}

struct RoomListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the rooms that are kept.")

    @OptionGroup var file: ConfigurationFile
    @Argument(help: "The address of the service, such as rooms.example.org; all without it.") var service: String?

    func run() async throws {
        try await RoomDatabase.read(file) { rooms in
            for service in service.map({ [$0] }) ?? rooms.services {
                var last = ""
                while case let page = try await rooms.list(of: service, after: last), let final = page.last {
                    for room in page {
                        let name = room.name.isEmpty ? "" : " \(room.name)"
                        print("\(room.address) \(room.isPublic ? "public" : "hidden") \(room.people)\(name)")
                    }
                    last = final.address
                }
            }
        }
    }
}

struct RoomCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a room.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var settings: RoomSettings
    @Option(help: "The address of an owner; may be given several times.") var owner: [String]
    @Argument(help: "The address, such as hall@rooms.example.org.") var address: String

    func run() async throws {
        let values = try settings.values
        try await RoomDatabase.change(file) { rooms in
            let room = try rooms.room(address)
            let owners = try owner.map { try JID($0).bare }
            try await rooms.carryOut(
                .create(owners: owners, settings: values.merging(["muc#roomconfig_persistentroom": ["1"]]) { $1 }), on: room)
            print("\(room) was made.")
        }
    }
}

struct RoomConfigure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "configure", abstract: "Configure a room.")

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var settings: RoomSettings
    @Argument(help: "The address.") var address: String

    func run() async throws {
        let values = try settings.values
        try await RoomDatabase.change(file) { rooms in
            let room = try rooms.room(address)
            try await rooms.carryOut(.configure(values), on: room)
            print("\(room) was configured.")
        }
    }
}

struct RoomAffiliate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "affiliation", abstract: "Make somebody an owner, admin or member of a room, ban them, or take that back.")

    @OptionGroup var file: ConfigurationFile
    @Option(help: "A nickname that is reserved for a member.") var nickname: String?
    @Option(help: "Why; the person is told.") var reason: String?
    @Argument(help: "The address of the room.") var address: String
    @Argument(help: "The address of the person.") var person: String
    @Argument(help: "owner, admin, member, none or outcast.") var affiliation: String

    func run() async throws {
        guard RoomAdministration.affiliations.contains(affiliation) else {
            throw ValidationError("\(affiliation) is none of \(RoomAdministration.affiliations.joined(separator: ", "))")
        }
        try await RoomDatabase.change(file) { rooms in
            let room = try rooms.room(address)
            let person = try JID(person).bare
            try await rooms.carryOut(.affiliate(person, affiliation, nickname: nickname, reason: reason), on: room)
            print("\(person) is \(affiliation) in \(room).")
        }
    }
}

struct RoomDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Destroy a room and everything that is kept of it.")

    @OptionGroup var file: ConfigurationFile
    @Option(help: "Why; who is in the room is told.") var reason: String?
    @Option(help: "The address of a room in its place.") var venue: String?
    @Argument(help: "The address.") var address: String

    func run() async throws {
        try await RoomDatabase.change(file) { rooms in
            let room = try rooms.room(address)
            try await rooms.carryOut(.destroy(reason: reason, venue: try venue.map { try JID($0) }), on: room)
            print("\(room) was destroyed.")
        }
    }
}

struct RoomExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the configuration and the people of a room as JSON.")

    @OptionGroup var file: ConfigurationFile
    @Argument(help: "The address.") var address: String

    func run() async throws {
        try await RoomDatabase.read(file) { rooms in print(try await rooms.export(try rooms.room(address))) }
    }
}

/// `--set FIELD=VALUE`.
struct RoomSettings: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: "A field of the configuration form and its value, such as membersonly=1; several values are separated by commas.")
    var fields: [String] = []

    /// By the whole names of the fields.
    var values: [String: [String]] {
        get throws {
            var result: [String: [String]] = [:]
            for field in fields {
                let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, let name = RoomAdministration.field(parts[0]) else {
                    throw ValidationError("\(field): the fields are \(RoomAdministration.fields.joined(separator: ", "))")
                }
                result[name] = RoomAdministration.isList(name) ? parts[1].split(separator: ",").map(String.init) : [parts[1]]
            }
            return result
        }
    }
}
