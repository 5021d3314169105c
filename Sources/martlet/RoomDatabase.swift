import Features
import Foundation
import Server
import Storage

/// The database as the commands for rooms use it.
enum RoomDatabase {
    /// Opens the database of a configuration, looks at rooms and closes it.
    static func read(_ file: ConfigurationFile, _ body: (RoomAdministration) async throws -> Void) async throws {
        try await use(try file.load(), .command, body)
    }

    /// Changes rooms: through the server if one runs, or in its place.
    static func change(_ file: ConfigurationFile, _ body: (RoomAdministration) async throws -> Void) async throws {
        let configuration = try file.load()
        do {
            try await use(configuration, .maintenance, body)
        } catch StorageError.inUse {
            try await use(configuration, .command, body)
        }
    }

    private static func use(
        _ configuration: Configuration, _ role: Database.Role, _ body: (RoomAdministration) async throws -> Void
    ) async throws {
        try FileManager.default.createDirectory(
            atPath: configuration.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        let database = try Database.open(
            directory: configuration.data, role: role, migrations: Server.migrations(of: allFeatures))
        defer { database.close() }
        try await body(
            RoomAdministration(configuration: configuration, database: database, isAlone: role == .maintenance))
    }
}
