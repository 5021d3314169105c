/// What a room is called and what it is for.
struct RoomDescription: RoomAbility {
    var name = ""
    var text = ""
    /// The language that is spoken there.
    var language = ""
    /// The URI of a publish-subscribe node that belongs to the room.
    var node = ""

    static let fields: [AbilityField<Self>] = [
        .text("muc#roomconfig_roomname", "Name of the room", \.name),
        .text("muc#roomconfig_roomdesc", "Short description of the room", \.text),
        .text("muc#roomconfig_lang", "Language of the discussions", \.language),
        .text("muc#roomconfig_pubsub", "URI of a publish-subscribe node that belongs to the room", \.node),
    ]
}
