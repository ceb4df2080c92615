//! A position in lines of text.

const std = @import("std");

/// The text ends with a newline, which no value contains. So before that newline, there is always a next byte.
pub const Cursor = struct {
    text: []const u8,
    at: usize,

    pub inline fn peek(self: *const Cursor) u8 {
        return self.text[self.at];
    }

    /// Skip `byte` if it is next.
    pub inline fn skips(self: *Cursor, byte: u8) bool {
        const found = self.peek() == byte;
        self.at += @intFromBool(found);
        return found;
    }

    /// Skip `wanted` if it is next.
    pub inline fn takes(self: *Cursor, wanted: []const u8) bool {
        const found = self.ahead(wanted.len) orelse return false;
        if (!std.mem.eql(u8, found, wanted)) return false;
        self.at += wanted.len;
        return true;
    }

    /// Return the next `count` bytes, if there are that many.
    pub inline fn ahead(self: *const Cursor, count: usize) ?[]const u8 {
        return if (count > self.text.len - self.at) null else self.text[self.at..][0..count];
    }

    pub inline fn digit(self: *Cursor) ?u8 {
        const found = self.peek() -% '0';
        if (found > 9) return null;
        self.at += 1;
        return found;
    }

    /// Read a number, usually of few digits; null if there are no digits or more than `most`.
    pub inline fn digits(self: *Cursor, comptime most: usize) ?u64 {
        return self.restOfDigits(self.at, 0, most);
    }

    /// Like `digits`, for numbers that often have many digits.
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
        while (self.digit()) |one| number = number *% 10 +% one; // may wrap; with too many digits it is unused
        const count = self.at - start;
        return if (count == 0 or count > most) null else number;
    }

    /// Skip the next digits; false if there are none.
    pub inline fn skipDigits(self: *Cursor) bool {
        const start = self.at;
        while (self.digit()) |_| {}
        return self.at > start;
    }

    /// Return the bytes before the first of `stops` and move to it; a newline must be a stop.
    pub inline fn until(self: *Cursor, stops: anytype) []const u8 {
        const start = self.at;
        while (self.text.len - self.at >= lane) : (self.at += lane) {
            if (@reduce(.Or, stops.among(lane, self.text[self.at..][0..lane].*))) break;
        }
        while (!stops.among(1, .{self.peek()})[0]) self.at += 1;
        return self.text[start..self.at];
    }

    /// Read a two-byte escape of JSON and return the byte that it stands for; null if there is none. Unicode escapes
    /// (`\u00e9`) are not supported.
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

/// Count the leading digits and return their number.
///
/// Without branches on the count, because one mispredicted branch takes as long as all of this.
inline fn leadingDigits(bytes: [8]u8) struct { count: u6, number: u64 } {
    const values = std.mem.readInt(u64, &bytes, .little) ^ 0x3030303030303030;
    // Sets the high bit of each byte whose value is 10 or more; carries affect only bytes after the first such.
    const others = (values +% 0x7676767676767676 | values) & 0x8080808080808080;
    const count: u6 = @intCast(@ctz(others) / 8);
    // Drop the bytes after the digits, and pad with zeros in front.
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

/// The number of bytes that are compared at once.
const lane = 16;

/// Bytes that end a JSON text or a part of it: the quote, an escape, or a control character.
pub const JsonStops = struct {
    inline fn among(_: JsonStops, comptime count: usize, bytes: @Vector(count, u8)) @Vector(count, bool) {
        const highest: @Vector(count, u8) = @splat(0x1f);
        return are(count, bytes, '"') | are(count, bytes, '\\') | (bytes <= highest);
    }
};

/// Bytes that end a CSV text, or a part of a quoted one.
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

/// Whether `text` is valid UTF-8, by the same rules as in Python.
pub inline fn isUtf8(text: []const u8) bool {
    return std.unicode.utf8ValidateSlice(text);
}
