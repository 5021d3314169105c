import ArgumentParser
import Features
import Server

/// `martlet configuration`: the text of `conf/martlet.yaml`.
struct ConfigurationReference: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configuration", abstract: "Print a configuration with every setting, its default and what it does.")

    func run() {
        print(Configuration.reference(settings: Server.settings(of: allFeatures)), terminator: "")
    }
}
