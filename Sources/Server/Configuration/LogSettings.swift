/// What the server writes about its work, and how.
package enum LogSettings {
    package enum Level: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error
    }

    package enum Format: String, CaseIterable, Sendable {
        /// Lines for people.
        case text
        /// One JSON object for each line.
        case json
    }

    package static let all: [AnySetting] = [AnySetting(level), AnySetting(format)]

    package static let level = Setting(
        "log.level", default: Level.info, reload: true,
        "The least important messages that are written.")

    package static let format = Setting(
        "log.format", default: Format.text,
        "Lines for people, or one JSON object for each line.")
}
