internal import FoundationEssentials

/// Plays files of transcripts one after the other and tells how each went; what the command `replay` does.
package struct Runner: Sendable {
    private let player: Player

    package init(_ player: Player) {
        self.player = player
    }

    /// How one file went.
    package struct Outcome: Sendable {
        package var file: String
        package var title: String?
        /// What went wrong, on several lines; nil if all went as written.
        package var failure: String?
        /// Whether it was played at all: nobody can set the clock of a server on the network.
        package var isPlayed = true
    }

    /// Plays the files in this order, except those in which time passes.
    /// - Parameters:
    ///   - files: transcripts, or folders whose transcripts are played in the order of their names.
    ///   - report: called after each.
    /// - Returns: how many failed.
    package func play(_ files: [String], report: (Outcome) -> Void) async -> Int {
        var failures = 0
        for file in Self.transcripts(in: files) {
            var outcome = Outcome(file: file)
            do {
                let transcript = try Self.read(file)
                outcome.title = transcript.title
                outcome.isPlayed = !transcript.needsClock
                if outcome.isPlayed { try await player.play(transcript) }
            } catch {
                outcome.failure = "\(error)"
                failures += 1
            }
            report(outcome)
        }
        return failures
    }

    /// Reads and parses one file.
    /// - Throws: `TranscriptError`, also when the file cannot be read.
    package static func read(_ file: String) throws(TranscriptError) -> Transcript {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw TranscriptError(file: file, line: 0, "the file cannot be read")
        }
        return try TranscriptParser.parse(String(decoding: bytes, as: UTF8.self), file: file)
    }

    /// The files with folders replaced by the transcripts in them and below, sorted.
    package static func transcripts(in paths: [String]) -> [String] {
        paths.flatMap { path -> [String] in
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else { return [path] }
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return entries.sorted().flatMap { entry -> [String] in
                let entry = path + "/" + entry
                var isFolder = false
                _ = FileManager.default.fileExists(atPath: entry, isDirectory: &isFolder)
                return isFolder ? transcripts(in: [entry]) : entry.hasSuffix(".scs") ? [entry] : []
            }
        }
    }
}
