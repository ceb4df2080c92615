//! Reads positions in a source's log, and writes them as fixed-width text that sorts in the same order.

const std = @import("std");
const cursors = @import("cursor.zig");

pub const Kind = enum(u8) {
    lsn,
    binlog,
    digits,

    /// The width of a position of this kind.
    pub fn width(self: Kind) usize {
        return switch (self) {
            .lsn => 16,
            .binlog => 30,
            .digits => 20,
        };
    }
};

/// Write the position `text` to `out`; false if it is not certainly one.
pub fn write(kind: Kind, text: []const u8, out: []u8) bool {
    if (!cursors.isUtf8(text)) return false;
    return switch (kind) {
        .lsn => lsn(text, out),
        .binlog => binlog(text, out),
        .digits => text.len > 0 and onlyDigits(text) and right(text, out),
    };
}

/// Two hexadecimal numbers separated by a slash; details may follow after a point.
fn lsn(text: []const u8, out: []u8) bool {
    const point = std.mem.indexOfScalar(u8, text, '.') orelse text.len;
    const slash = std.mem.indexOfScalar(u8, text[0..point], '/') orelse return false;
    for (text[point..]) |byte| if (!isHex(byte) and byte != '.' and byte != '/') return false;
    return upper(text[0..slash], out[0..8]) and upper(text[slash + 1 .. point], out[8..16]);
}

/// Write an lsn that is given as a number.
pub fn writeLsn(number: u64, out: *[16]u8) void {
    var rest = number;
    for (0..out.len) |place| {
        out[out.len - 1 - place] = "0123456789ABCDEF"[@as(u4, @truncate(rest))];
        rest >>= 4;
    }
}

/// The number of a file after its name, and an offset in it; details may follow after a colon.
fn binlog(text: []const u8, out: []u8) bool {
    const colon = std.mem.indexOfScalar(u8, text, ':') orelse return false;
    const point = std.mem.lastIndexOfScalar(u8, text[0..colon], '.') orelse return false;
    const rest = text[colon + 1 ..];
    const end = std.mem.indexOfScalar(u8, rest, ':') orelse rest.len;
    for (rest[end..]) |byte| if (byte < ' ' or byte > '~') return false;
    const file, const place = .{ text[point + 1 .. colon], rest[0..end] };
    return onlyDigits(file) and onlyDigits(place) and right(file, out[0..10]) and right(place, out[10..30]);
}

fn onlyDigits(text: []const u8) bool {
    for (text) |byte| if (!std.ascii.isDigit(byte)) return false;
    return true;
}

fn upper(text: []const u8, out: []u8) bool {
    for (text) |byte| if (!isHex(byte)) return false;
    if (!right(text, out)) return false;
    for (out) |*byte| byte.* = std.ascii.toUpper(byte.*);
    return true;
}

fn isHex(byte: u8) bool {
    return std.ascii.isHex(byte);
}

/// Write `text` right-aligned to `out`, padded with zeros; false if it is empty or too long.
fn right(text: []const u8, out: []u8) bool {
    if (text.len == 0 or text.len > out.len) return false;
    const zeros = out.len - text.len;
    @memset(out[0..zeros], '0');
    @memcpy(out[zeros..], text);
    return true;
}

test writeLsn {
    var out: [16]u8 = undefined;
    writeLsn(0xFEDCBA9876543210, &out);
    try std.testing.expectEqualStrings("FEDCBA9876543210", &out);
    writeLsn(0x16B3748, &out);
    try std.testing.expectEqualStrings("00000000016B3748", &out);
}

test "positions are as wide as all of their kind" {
    const known = .{
        .{ Kind.lsn, "0/FFFF0d0", "000000000FFFF0D0" },
        .{ Kind.lsn, "00000002/7C007178.3.00000002/7C007178", "000000027C007178" },
        .{ Kind.binlog, "mysql-bin.000123:4567:x", "000000012300000000000000004567" },
        .{ Kind.digits, "42", "00000000000000000042" },
    };
    inline for (known) |one| {
        var out: [one[2].len]u8 = undefined;
        try std.testing.expect(write(one[0], one[1], &out));
        try std.testing.expectEqualStrings(one[2], &out);
    }
    const wrong = .{ .{ Kind.lsn, "0" }, .{ Kind.lsn, "/1" }, .{ Kind.binlog, "a.b:1" }, .{ Kind.digits, "1x" } };
    inline for (wrong) |one| {
        var out: [30]u8 = undefined;
        try std.testing.expect(!write(one[0], one[1], out[0..one[0].width()]));
    }
}
