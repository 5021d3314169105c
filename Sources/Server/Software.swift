/// What the program calls itself, wherever it is asked.
package enum Software {
    package static let name = "Martlet"
    package static let version = "0.1.0"
    /// A URI that is the program's own (XEP-0115 §4, `node`); it needs no website.
    package static let uri = "urn:uuid:6f1d1f0e-7a3c-4c0e-9d0b-2f6a8f7c5e31"
}
