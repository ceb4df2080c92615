//! A place in lines of text.

const std = @import("std");

/// The lines end with a newline, which no value contains: whoever has not met it may look at the next byte.
pub const Cursor = struct {
    text: []const u8,
    at: usize,

    pub inline fn peek(self: *const Cursor) u8 {
        return self.text[self.at];
    }

    /// Go behind `byte`, if it is next.
    pub inline fn skips(self: *Cursor, byte: u8) bool {
        const found = self.peek() == byte;
        self.at += @intFromBool(found);
        return found;
    }

    /// Go behind `wanted`, if it is next.
    pub inline fn takes(self: *Cursor, wanted: []const u8) bool {
        const found = self.ahead(wanted.len) orelse return false;
        if (!std.mem.eql(u8, found, wanted)) return false;
        self.at += wanted.len;
        return true;
    }

    /// The next `count` bytes, if there are so many.
    pub inline fn ahead(self: *const Cursor, count: usize) ?[]const u8 {
        return if (count > self.text.len - self.at) null else self.text[self.at..][0..count];
    }

    pub inline fn digit(self: *Cursor) ?u8 {
        const found = self.peek() -% '0';
        if (found > 9) return null;
        self.at += 1;
        return found;
    }

    /// The number that the next digits make, which are few; null where there are none, or more than `most`.
    pub inline fn digits(self: *Cursor, comptime most: usize) ?u64 {
        return self.restOfDigits(self.at, 0, most);
    }

    /// The same where there are as often many as few.
    pub inline fn manyDigits(self: *Cursor, comptime most: usize) ?u64 {
        const start = self.at;
        const bytes = self.ahead(8) orelse return self.digits(most);
        const found = leadingDigits(bytes[0..8].*);
        self.at += found.count;
        if (found.count > 0 and found.count < 8) return found.number;
        return self.restOfDigits(start, found.number, most);
    }

    inline fn restOfDigits(self: *Cursor, start: usize, before: u64, comptime most: usize) ?u64 {
        var number = before;
        while (self.digit()) |one| number = number *% 10 +% one; // of too many nothing is used
        const count = self.at - start;
        return if (count == 0 or count > most) null else number;
    }

    /// Go behind the next digits, if there are any.
    pub inline fn skipDigits(self: *Cursor) bool {
        const start = self.at;
        while (self.digit()) |_| {}
        return self.at > start;
    }

    /// The bytes up to the first that `is_stop` names, which is next; a newline has to be one.
    pub inline fn until(self: *Cursor, stops: anytype) []const u8 {
        const start = self.at;
        while (self.text.len - self.at >= lane) : (self.at += lane) {
            if (@reduce(.Or, stops.among(lane, self.text[self.at..][0..lane].*))) break;
        }
        while (!stops.among(1, .{self.peek()})[0]) self.at += 1;
        return self.text[start..self.at];
    }

    /// Go behind the next two bytes, and give the one that they stand for in a text of JSON; null where they are none
    /// such. Those of Unicode (`\u00e9`) are not for here.
    pub inline fn unescaped(self: *Cursor) ?u8 {
        const pair = self.ahead(2) orelse return null;
        const byte: u8 = switch (pair[1]) {
            '"', '\\', '/' => pair[1],
            'b' => 8,
            'f' => 12,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            else => return null,
        };
        self.at += 2;
        return if (pair[0] == '\\') byte else null;
    }
};

/// How many of the bytes are digits before the first that is none, and the number that they make.
///
/// No step depends on how many there are: a branch that is guessed wrong takes as long as all of this.
inline fn leadingDigits(bytes: [8]u8) struct { count: u6, number: u64 } {
    const values = std.mem.readInt(u64, &bytes, .little) ^ 0x3030303030303030;
    // The high bit of a byte is set where its value is 10 or more; what carries over is behind the first such.
    const others = (values +% 0x7676767676767676 | values) & 0x8080808080808080;
    const count: u6 = @intCast(@ctz(others) / 8);
    // Zeros take the place of the bytes behind, in front of the digits.
    const padded = if (count == 0) 0 else values << @intCast(64 - 8 * @as(u7, count));
    const pairs = padded *% 10 +% (padded >> 8);
    const fours = (pairs & 0x000000FF000000FF) *% 0x000F424000000064;
    const others_of_fours = (pairs >> 16 & 0x000000FF000000FF) *% 0x0000271000000001;
    return .{ .count = count, .number = (fours +% others_of_fours) >> 32 };
}

test leadingDigits {
    const known = .{ .{ "12345678", 8, 12345678 }, .{ "1,345678", 1, 1 }, .{ "00420.99", 5, 420 }, .{ "x1234567", 0, 0 }, .{ "9\xff/:;<=>", 1, 9 } };
    inline for (known) |one| {
        const found = leadingDigits(one[0].*);
        try std.testing.expectEqual(one[1], found.count);
        try std.testing.expectEqual(one[2], found.number);
    }
}

/// So many bytes are looked at together.
const lane = 16;

/// What ends a text of JSON, or a part of one: the quote, an escape, or what may not stand in it.
pub const JsonStops = struct {
    inline fn among(_: JsonStops, comptime count: usize, bytes: @Vector(count, u8)) @Vector(count, bool) {
        const highest: @Vector(count, u8) = @splat(0x1f);
        return are(count, bytes, '"') | are(count, bytes, '\\') | (bytes <= highest);
    }
};

/// What ends a text of CSV, or a part of one in quotes.
pub const CsvStops = struct {
    stops: [2]u8,

    inline fn among(self: CsvStops, comptime count: usize, bytes: @Vector(count, u8)) @Vector(count, bool) {
        const line_ends = are(count, bytes, '\n') | are(count, bytes, '\r');
        return line_ends | are(count, bytes, self.stops[0]) | are(count, bytes, self.stops[1]);
    }
};

inline fn are(comptime count: usize, bytes: @Vector(count, u8), byte: u8) @Vector(count, bool) {
    return bytes == @as(@Vector(count, u8), @splat(byte));
}

/// Whether `text` is UTF-8, as Python and JSON have it.
pub inline fn isUtf8(text: []const u8) bool {
    return std.unicode.utf8ValidateSlice(text);
}
