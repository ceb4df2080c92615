//! Writes the sequences that order records: `<epoch>.<position>.<kind>.<order>`, of fixed width, as Arrow texts.

const std = @import("std");

/// `begin` is the text before the position (the epoch), `middle` the text after it. Positions are texts of `width`
/// bytes or, if there are none, `moments` in microseconds since 1970. A position below `least`, if that is given, is
/// replaced by it. Without `orders`, every order is `order`. `out` has room for all texts, `offsets` for one more
/// than their count.
const Sequences = extern struct {
    begin: [*]const u8,
    begin_size: usize,
    least: ?[*]const u8,
    middle: [*]const u8,
    middle_size: usize,
    positions: ?[*]const u8,
    width: usize,
    moments: ?[*]align(1) const i64,
    orders: ?[*]align(1) const i64,
    order: i64,
    count: usize,
    out: [*]u8,
    out_size: usize,
    offsets: [*]align(1) i32,
};

const digits = 20;

export fn write_sequences(given: *const Sequences) void {
    const begin = given.begin[0..given.begin_size];
    const middle = given.middle[0..given.middle_size];
    const size = begin.len + given.width + middle.len + digits;
    const out = given.out[0..given.out_size];
    given.offsets[0] = 0;
    for (0..given.count) |row| {
        const text = out[row * size ..][0..size];
        const position = text[begin.len..][0..given.width];
        @memcpy(text[0..begin.len], begin);
        if (given.positions) |positions| {
            @memcpy(position, positions[row * given.width ..][0..given.width]);
        } else {
            number(position, given.moments.?[row]);
        }
        if (given.least) |first| {
            const least = first[0..given.width];
            if (std.mem.lessThan(u8, position, least)) @memcpy(position, least);
        }
        @memcpy(text[begin.len + given.width ..][0..middle.len], middle);
        number(text[size - digits ..], if (given.orders) |orders| orders[row] else given.order);
        given.offsets[row + 1] = @intCast((row + 1) * size);
    }
}

/// Write a number that is not negative, padded with zeros.
fn number(out: []u8, value: i64) void {
    var rest: u64 = @intCast(value);
    var place = out.len;
    while (rest > 0) : (rest /= 10) {
        place -= 1;
        out[place] = '0' + @as(u8, @intCast(rest % 10));
    }
    @memset(out[0..place], '0');
}

test number {
    var out: [20]u8 = undefined;
    number(&out, 1736620359423763);
    try std.testing.expectEqualStrings("00001736620359423763", &out);
    number(&out, std.math.maxInt(i64));
    try std.testing.expectEqualStrings("09223372036854775807", &out);
    number(&out, 0);
    try std.testing.expectEqualStrings("00000000000000000000", &out);
}
