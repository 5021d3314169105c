internal import Synchronization

/// A place for a feature's state in every session; survives the session's move to another connection.
///
/// Declared once, as a static constant of the feature: `static let wanted = SessionSlot(false)`.
package struct SessionSlot<Value: Sendable>: Sendable {
    let index: Int
    let initial: Value

    /// - Parameter initial: what a session holds before the feature has set anything.
    package init(_ initial: Value) {
        index = SlotCount.sessions.add(1, ordering: .relaxed).oldValue
        self.initial = initial
    }
}

/// A place for a feature's state in every loaded account, read from storage when the account is loaded.
package struct AccountSlot<Value: Sendable>: Sendable {
    @usableFromInline let index: Int
    @usableFromInline let initial: Value
    /// One bit; those of many slots are shared.
    @usableFromInline var mark: UInt64 { 1 &<< UInt64(truncatingIfNeeded: index) }

    /// - Parameter initial: what an account holds unless a loader has filled the slot.
    package init(_ initial: Value) {
        index = SlotCount.accounts.add(1, ordering: .relaxed).oldValue
        self.initial = initial
    }
}

/// A place for what a stream feature remembers while a stream is being negotiated; emptied when it is bound.
package struct StreamSlot<Value>: Sendable {
    let index: Int
    let make: @Sendable () -> Value

    package init(_ make: @escaping @Sendable () -> Value) {
        index = SlotCount.streams.add(1, ordering: .relaxed).oldValue
        self.make = make
    }
}

private enum SlotCount {
    static let sessions = Atomic<Int>(0)
    static let streams = Atomic<Int>(0)
    static let accounts = Atomic<Int>(0)
}

/// The values of slots, as long as the highest one in use.
///
/// Inlined into the features, which look at their slots for every stanza: there the types are known.
@usableFromInline
struct Slots: ~Copyable {
    @usableFromInline
    final class Box<Value> {
        @usableFromInline var value: Value
        @inlinable init(_ value: Value) { self.value = value }
    }

    @usableFromInline var boxes: [AnyObject?] = []

    @usableFromInline init() {}

    @inlinable
    subscript<Value>(index: Int, initial: @autoclosure () -> Value) -> Value {
        get {
            guard index < boxes.count, let box = boxes[index] else { return initial() }
            return unsafeDowncast(box, to: Box<Value>.self).value
        }
        _modify {
            if index >= boxes.count {
                boxes.append(contentsOf: repeatElement(nil, count: index + 1 - boxes.count))
            }
            if boxes[index] == nil { boxes[index] = Box(initial()) }
            // A slot's index belongs to one declaration, and so to one type.
            let box = unsafeDowncast(boxes[index].unsafelyUnwrapped, to: Box<Value>.self)
            yield &box.value
        }
    }
}
