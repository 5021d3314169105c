/// A named step of the schema, declared by the feature that owns the tables.
///
/// Names are unique over the whole program (`roster-1`, `roster-2`, …) and, like the statements behind them,
/// never change once released: a database remembers the names it has seen. A change of a table is a new step.
package struct Migration: Sendable, Equatable {
    package let name: String
    package let sql: [String]

    package init(name: String, sql: [String]) {
        self.name = name
        self.sql = sql
    }
}

/// Brings the schema of a database to the state of this program, all missing steps in one transaction.
struct Schema {
    let migrations: [Migration]

    /// - Throws: `.newerSchema` before anything was changed; whatever a step throws, with nothing kept.
    func apply(on connection: Connection, file: String) throws(StorageError) {
        let names = Set(migrations.map(\.name))
        guard names.count == migrations.count else {
            throw .statement("two migrations have the same name: \(duplicates())")
        }
        guard try missing(on: connection, names: names, file: file).isEmpty == false else { return }
        try connection.begin(.immediate)
        do {
            // Read again under the write lock: another process may have migrated meanwhile.
            let missing = try missing(on: connection, names: names, file: file)
            try apply(missing, in: Transaction(connection))
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }

    private func apply(_ missing: [Migration], in transaction: Transaction) throws(StorageError) {
        try transaction.execute(
            "CREATE TABLE IF NOT EXISTS applied_migration (name TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)")
        for migration in missing {
            for sql in migration.sql {
                do {
                    try transaction.execute(sql)
                } catch .statement(let text) {
                    throw .statement("migration \(migration.name): \(text)")
                }
            }
            try transaction.execute(
                "INSERT INTO applied_migration (name, position) SELECT $1, count(*) FROM applied_migration",
                [.text(migration.name)])
        }
    }

    private func missing(
        on connection: Connection, names: Set<String>, file: String
    ) throws(StorageError) -> [Migration] {
        let applied = try Set(connection.appliedMigrations())
        let unknown = applied.subtracting(names).sorted()
        guard unknown.isEmpty else {
            throw .newerSchema(
                "\(file) was written by a newer version (it knows \(unknown.joined(separator: ", "))): "
                    + "start that version, or restore a backup made by this one")
        }
        return migrations.filter { !applied.contains($0.name) }
    }

    private func duplicates() -> String {
        var seen = Set<String>()
        return migrations.map(\.name).filter { !seen.insert($0).inserted }.joined(separator: ", ")
    }
}
