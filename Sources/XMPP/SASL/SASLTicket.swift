/// Ties the answer of an account source to the handshake that asked, because the client may have begun another one in
/// the meantime.
package struct SASLTicket: Hashable, Sendable {
    let number: UInt64

    var next: SASLTicket { SASLTicket(number: number &+ 1) }
}
