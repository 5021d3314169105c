import ArgumentParser

/// The program: an XMPP server, and the tools of its administrator.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "An XMPP chat server for a company's own machines.",
        subcommands: [
            Serve.self, Check.self, User.self, RoomCommand.self, Reports.self, ConfigurationReference.self,
            ReplayCommand.self, DOAP.self, Support.self,
        ])
}
