import ArgumentParser
import Foundation

/// A password from a prompt or from standard input; never from the command line, which everybody on the machine can see.
struct PasswordInput: ParsableArguments {
    @Flag(name: .long, help: "Read the password from the first line of standard input.") var passwordStdin = false

    func read() throws -> String {
        if passwordStdin {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw ValidationError("there is no password on standard input")
            }
            return line
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("standard input is no terminal; give the password there with --password-stdin")
        }
        guard let first = getpass("Password: ").map({ String(cString: $0) }), !first.isEmpty else {
            throw ValidationError("the password is empty")
        }
        guard let second = getpass("Again: ").map({ String(cString: $0) }), first == second else {
            throw ValidationError("the two passwords differ")
        }
        return first
    }
}
