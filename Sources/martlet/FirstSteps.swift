import Accounts
import Foundation
import Server
import TLS

/// What somebody is told who has started the server without a configuration.
struct FirstSteps {
    let server: Server
    let configuration: Configuration

    /// Makes the first administrator if there is no account yet, and says how to log in.
    func print() async throws {
        guard let domain = configuration.domains.first?.name, let accounts = try server.localAccounts(of: domain) else { return }
        var text = "\nMartlet serves \(domain) on this machine: ports \(server.ports.map(String.init).joined(separator: ", ")).\n"
        if try await accounts.list(limit: 1).isEmpty {
            let password = Self.password()
            try await accounts.add("admin", password: password, isAdministrator: true)
            text += """

                The first account was made. This is the only time its password is shown:

                    address:   admin@\(domain)
                    password:  \(password)

                """
        }
        text += """

            In your client: log in as admin@\(domain), server 127.0.0.1, port \(server.ports.first ?? 5222) (STARTTLS); \
            accept the self-signed certificate.
            More accounts: martlet user add NAME@\(domain)
            A configuration of your own: conf/martlet.yaml, then martlet serve --config FILE


            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    /// Twenty letters and digits that are not easily confused: 100 random bits.
    private static func password() -> String {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        return String(randomBytes(20).map { letters[Int($0) % letters.count] })
    }
}
